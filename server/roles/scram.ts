// A password as the server keeps it, computed here: the password itself then never travels, and no server
// can write it to a log. https://www.postgresql.org/docs/current/catalog-pg-authid.html, RFC 5802, RFC 4013
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** The server's own number. */
const iterations = 4096

export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(prepared(password), salt, iterations, 32, 'sha256')
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64')
  const server = hmac('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`
}

/**
 * SASLprep, as server and clients apply it before they hash; a text that it forbids is taken as it is, which
 * is what they do too.
 */
function prepared(password: string): string {
  if (/^[\x20-\x7e]*$/.test(password)) return password
  const mapped = password.replace(otherSpaces, ' ').replace(mappedToNothing, '').normalize('NFKC')
  return mapped === '' || forbidden.test(mapped) ? password : mapped
}

const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
const mappedToNothing = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200c\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/gu
const forbidden =
  /\u0340|\u0341|[\p{Cc}\p{Co}\p{Cs}\p{Cn}\u200e\u200f\u2028-\u202e\u206a-\u206f\ufff9-\ufffd]/u
