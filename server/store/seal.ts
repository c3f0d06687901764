// Stores passwords: in the keychain of the operating system if there is one, otherwise encrypted with a key in a file
// beside the store that only its owner can read. Each is bound to its connection, so that write access to the store
// is not enough to have a password sent to another server.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PgtrekError } from '../postgres/errors.ts'
import { settledWithin } from '../system/deadline.ts'

export type Sealed = { with: 'keychain'; name: string } | { with: 'key'; nonce: string; box: string }

export interface Seal {
  /** `boundTo` is required again to open it. */
  close(name: string, password: string, boundTo: string): Promise<Sealed>
  open(sealed: Sealed, boundTo: string): Promise<string>
  forget(sealed: Sealed): Promise<void>
}

const service = 'pgtrek'
const keyBytes = 32
/** A keychain may ask its owner first. If the owner does not answer, we continue without it. */
const patienceMs = 30_000

export function sealIn(directory: string, { keychain = true } = {}): Seal {
  let mayTryKeychain = keychain
  const place = resolve(directory)

  return {
    async close(name, password, boundTo) {
      if (mayTryKeychain) {
        const entry = `${place} ${name}`
        const value = JSON.stringify({ password, boundTo })
        const kept = Bun.secrets.set({ service, name: entry, value })
        if ((await settledWithin(kept, patienceMs)) && (await worked(kept)))
          return { with: 'keychain', name: entry }
        // There is no keychain, or its owner does not answer: the key file is used from here on.
        mayTryKeychain = false
      }
      return encrypt(keyOf(place), password, boundTo)
    },
    async open(sealed, boundTo) {
      if (sealed.with === 'key') return decrypt(keyOf(place), sealed, boundTo)
      const value = await Bun.secrets.get({ service, name: sealed.name })
      if (value === null)
        throw new PgtrekError('the keychain no longer has the password of this profile: enter it again')
      const kept = JSON.parse(value) as { password: string; boundTo: string }
      if (kept.boundTo !== boundTo) throw tampered()
      return kept.password
    },
    async forget(sealed) {
      if (sealed.with === 'keychain') await Bun.secrets.delete({ service, name: sealed.name })
    },
  }
}

async function worked(attempt: Promise<unknown>): Promise<boolean> {
  return await attempt.then(
    () => true,
    () => false,
  )
}

function encrypt(key: Buffer, password: string, boundTo: string): Sealed {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(boundTo))
  const box = Buffer.concat([cipher.update(password, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return { with: 'key', nonce: nonce.toString('base64'), box: box.toString('base64') }
}

function decrypt(key: Buffer, { nonce, box }: Extract<Sealed, { with: 'key' }>, boundTo: string): string {
  const bytes = Buffer.from(box, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'), { authTagLength: 16 })
    .setAAD(Buffer.from(boundTo))
    .setAuthTag(bytes.subarray(-16))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8')
  } catch {
    throw tampered()
  }
}

function tampered(): PgtrekError {
  return new PgtrekError(
    'the saved password does not belong to this connection or this key file: enter it again',
  )
}

function keyOf(directory: string): Buffer {
  const path = join(directory, 'key')
  try {
    writeFileSync(path, randomBytes(keyBytes), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  }
  const file = openSync(path, 'r')
  try {
    // Windows has no such permissions.
    if (process.platform !== 'win32' && (fstatSync(file).mode & 0o077) !== 0) {
      throw new PgtrekError(
        `${path} can be read by other users: run chmod 600 on it, or delete it with the saved passwords`,
      )
    }
    const key = readFileSync(file)
    if (key.length !== keyBytes)
      throw new PgtrekError(`${path} is not a valid key: delete it with the saved passwords`)
    return key
  } finally {
    closeSync(file)
  }
}
