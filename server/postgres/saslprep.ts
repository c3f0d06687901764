// The form in which server and clients hash a password.
// https://www.rfc-editor.org/rfc/rfc4013

/** A text that SASLprep forbids is used unchanged, as PostgreSQL does. */
export function saslprep(password: string): string {
  if (/^[\x20-\x7e]*$/.test(password)) return password
  const mapped = password.replace(otherSpaces, ' ').replace(mappedToNothing, '').normalize('NFKC')
  return mapped === '' || forbidden.test(mapped) ? password : mapped
}

const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
const mappedToNothing = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200c\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/gu
const forbidden =
  /\u0340|\u0341|[\p{Cc}\p{Co}\p{Cs}\p{Cn}\u200e\u200f\u2028-\u202e\u206a-\u206f\ufff9-\ufffd]/u
