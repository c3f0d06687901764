// Authentication: the answers to the server's requests, and the proof that SCRAM requires of the server.
// https://www.postgresql.org/docs/current/sasl-authentication.html, RFC 5802
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { ConnectFailed, ProtocolViolation } from './errors.ts'
import { excerpt, frontend, message } from './messages.ts'
import { saslprep } from './saslprep.ts'
import { type ConnectionSettings, serverName } from './settings.ts'

/** More iterations would make us compute for seconds. PostgreSQL's own number is 4096. */
export const mostIterations = 10_000_000

const mechanism = 'SCRAM-SHA-256'

const request = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const

/** https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-AUTHENTICATIONOK */
const unsupported: Record<number, string> = {
  2: 'Kerberos',
  4: 'an old kind of hash',
  7: 'GSSAPI',
  8: 'GSSAPI',
  9: 'SSPI',
}

const derive = promisify(pbkdf2)

/** Each step is taken at most once. */
type Step = 'start' | 'password sent' | 'challenge' | 'computing' | 'signature' | 'proven' | 'over'

export class Authentication {
  #step: Step = 'start'
  #nonce = ''
  #signature: Buffer = Buffer.alloc(0)

  constructor(readonly settings: ConnectionSettings) {}

  get isOver(): boolean {
    return this.#step === 'over'
  }

  /** The answer to the body of an Authentication message. Throws or rejects when the login has to end. */
  answer(body: Buffer): Buffer | Promise<Buffer> | undefined {
    if (body.length < 4) throw new ProtocolViolation('it requests no authentication method')
    const kind = body.readInt32BE(0)
    const content = body.subarray(4)
    switch (kind) {
      case request.ok:
        return this.#finish()
      case request.cleartext:
        this.#move('start', 'password sent')
        this.#mayTell('in clear text')
        return passwordMessage(this.#password)
      case request.md5:
        this.#move('start', 'password sent')
        this.#mayTell('as an MD5 hash')
        if (content.length !== 4) throw new ProtocolViolation('the salt for an MD5 hash is not 4 bytes long')
        return passwordMessage(md5Answer(this.settings.user, this.#password, content))
      case request.sasl:
        this.#move('start', 'challenge')
        return this.#begin(content)
      case request.saslContinue:
        this.#move('challenge', 'computing')
        return this.#prove(content)
      case request.saslFinal:
        this.#move('signature', 'proven')
        return this.#check(content)
      default:
        throw this.#cannot(unsupported[kind])
    }
  }

  get #password(): string {
    return this.settings.password ?? ''
  }

  #move(from: Step, to: Step) {
    if (this.#step !== from) throw outOfTurn()
    this.#step = to
  }

  /** A server that has started to prove its identity must have completed the proof. */
  #finish(): undefined {
    if (this.#step === 'over') throw outOfTurn()
    if (this.#step !== 'start' && this.#step !== 'password sent' && this.#step !== 'proven') {
      throw this.#impostor('it skipped that step')
    }
    this.#step = 'over'
  }

  #begin(mechanisms: Buffer): Buffer {
    const offered = mechanisms.toString('latin1').split('\0')
    if (!offered.includes(mechanism)) throw this.#cannot(excerpt(Buffer.from(offered.join(' '))))
    this.#nonce = randomBytes(18).toString('base64')
    const first = Buffer.from(`n,,${this.#firstBare}`)
    const length = Buffer.alloc(4)
    length.writeInt32BE(first.length)
    return message(frontend.password, Buffer.concat([Buffer.from(`${mechanism}\0`), length, first]))
  }

  /** PostgreSQL takes the user from the start-up packet. */
  get #firstBare(): string {
    return `n=*,r=${this.#nonce}`
  }

  async #prove(content: Buffer): Promise<Buffer> {
    const serverFirst = content.toString('utf8')
    const [, nonce = '', salt = '', count = ''] = /^r=([^,]*),s=([^,]*),i=(\d{1,10})$/.exec(serverFirst) ?? []
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new ProtocolViolation('its SCRAM challenge does not answer ours')
    }
    if (salt === '' || !isBase64(salt)) throw new ProtocolViolation('its SCRAM challenge has no salt')
    const iterations = Number(count)
    if (iterations < 1 || iterations > mostIterations) {
      throw new ProtocolViolation(
        `it requires ${iterations} SCRAM iterations, and pgtrek supports at most ${mostIterations}`,
      )
    }
    const withoutProof = `c=biws,r=${nonce}`
    const exchange = `${this.#firstBare},${serverFirst},${withoutProof}`
    const salted = await derive(
      saslprep(this.#password),
      Buffer.from(salt, 'base64'),
      iterations,
      32,
      'sha256',
    )
    const clientKey = hmac(salted, 'Client Key')
    const stored = createHash('sha256').update(clientKey).digest()
    const signature = hmac(stored, exchange)
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] as number))
    this.#signature = hmac(hmac(salted, 'Server Key'), exchange)
    this.#move('computing', 'signature')
    return message(
      frontend.password,
      Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`),
    )
  }

  #check(content: Buffer): undefined {
    const text = content.toString('utf8')
    if (text.startsWith('e=')) {
      const said = `${serverName(this.settings)} refused the password: ${excerpt(content, 2)}`
      throw new ConnectFailed('login', said)
    }
    const sent = Buffer.from(/^v=([^,\0]*)/.exec(text)?.[1] ?? '', 'base64')
    if (sent.length !== this.#signature.length || !timingSafeEqual(sent, this.#signature)) {
      throw this.#impostor('its signature is wrong')
    }
  }

  /** Throws for a password that must not be sent, only proved. */
  #mayTell(way: string) {
    if (!this.settings.onlyProve) return
    throw new ConnectFailed(
      'login',
      `${serverName(this.settings)} asks for the password ${way}, and a password that was not entered with the request is not ` +
        'sent that way: enter it, use sslmode=verify-full, let the server store it as SCRAM (password_encryption), ' +
        'or start pgtrek with --allow-cleartext',
    )
  }

  #impostor(why: string): ConnectFailed {
    return new ConnectFailed(
      'login',
      `${serverName(this.settings)} could not prove that it knows the password (${why}): it may be an impostor, or ` +
        'the connection may be intercepted. The password itself was not sent. Check host and port, and use ' +
        'sslmode=verify-full to be sure of the server',
    )
  }

  #cannot(kind: string | undefined): ConnectFailed {
    const what = kind ? `by ${kind}` : 'in an unknown way'
    return new ConnectFailed(
      'login',
      `${serverName(this.settings)} requires authentication ${what}, which pgtrek does not support: configure pg_hba.conf to use ` +
        'scram-sha-256, a client certificate (cert) or another password method for this user',
    )
  }
}

function outOfTurn(): ProtocolViolation {
  return new ProtocolViolation('it requests authentication again, or at the wrong time')
}

function passwordMessage(text: string): Buffer {
  return message(frontend.password, Buffer.from(`${text}\0`))
}

function md5Answer(user: string, password: string, salt: Buffer): string {
  const md5 = (...parts: (string | Buffer)[]) => {
    const hash = createHash('md5')
    for (const part of parts) hash.update(part)
    return hash.digest('hex')
  }
  return `md5${md5(md5(password, user), salt)}`
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0
}
