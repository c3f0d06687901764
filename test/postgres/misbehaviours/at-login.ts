// Before a session is open.
import {
  authentication,
  columns,
  done,
  int16,
  int32,
  lying,
  notice,
  parameter,
  ready,
  row,
  say,
  text,
  welcome,
} from '../../support/fake-server.ts'
import { type Answer, type Case, lengths, senseless } from './case.ts'

function login(name: string, says: RegExp, onStart: Answer, parameters = ''): Case {
  return { at: 'login', name, says, behaviour: { onStart }, parameters }
}

function tls(name: string, says: RegExp, onTls: Answer): Case {
  const parameters = '&sslmode=require&connect_timeout=0.3'
  return { at: 'login', name, says, behaviour: { onTls }, parameters }
}

/** A server that requests SCRAM without knowing the password. */
function scram(
  name: string,
  says: RegExp,
  challenge: (nonce: string) => string,
  afterwards: Answer = () => {},
): Case {
  let isChallenged = false
  return {
    at: 'login',
    name,
    says,
    behaviour: {
      onStart(fake) {
        isChallenged = false
        fake.say(authentication(10, Buffer.from('SCRAM-SHA-256\0\0')))
      },
      onPassword(fake, body) {
        if (isChallenged) return afterwards(fake)
        isChallenged = true
        const nonce = /r=(.*)$/.exec(body.toString('latin1'))?.[1] ?? ''
        fake.say(authentication(11, Buffer.from(challenge(nonce))))
      },
    },
  }
}

const salt = Buffer.alloc(16, 1).toString('base64')
const proper = (nonce: string) => `r=${nonce}more,s=${salt},i=4096`

export const atLogin: Case[] = [
  tls('an answer to the request for TLS that is none', /something other than yes or no/, (fake) =>
    fake.say('X'),
  ),
  tls('words behind the answer to the request for TLS', /something other than yes or no/, (fake) =>
    fake.say('S', notice()),
  ),
  tls('HTTP for an answer to the request for TLS', /something other than yes or no/, (fake) =>
    fake.say('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ),
  tls('silence in the handshake of TLS', /did not answer within 0.3 s/, (fake) => fake.say('S')),
  tls('nonsense in the handshake of TLS', /TLS with .* could not be set up/, (fake) => {
    fake.say('S')
    setTimeout(() => fake.say(Buffer.alloc(1000, 'x')), 20)
  }),
  login('HTTP', senseless('it says "HTTP/1.1 400 Bad Request'), (fake) =>
    fake.say('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ),
  login('ssh', senseless('it says "SSH-2.0-OpenSSH'), (fake) => fake.say('SSH-2.0-OpenSSH_9.2\r\n')),
  login('an error of the oldest protocol', senseless('it says "could not fork'), (fake) =>
    fake.say('Ecould not fork new process\n\0'),
  ),
  login('escape sequences', senseless('it says "\\\\x1b\\[2J'), (fake) => fake.say('\x1b[2Jhello')),
  ...lengths.map(([name, length]) =>
    login(`a length of ${name}`, senseless('it says'), (fake) => fake.say(lying('R', length))),
  ),
  login('a kind of message that there is not', senseless('it says "w'), (fake) =>
    fake.say(say('w', text('x'))),
  ),
  login('endless notices', senseless('it keeps sending messages without completing the login'), (fake) =>
    fake.sayForEver(notice()),
  ),
  login('endless long notices', senseless('it keeps sending messages without completing the login'), (fake) =>
    fake.sayForEver(notice('x'.repeat(500_000))),
  ),
  login('endless settings', senseless('it keeps sending messages without completing the login'), (fake) =>
    fake.sayForEver(parameter('a', 'b')),
  ),
  login('settings with ever new names', senseless('it reports settings endlessly'), (fake) =>
    fake.say(...Array.from({ length: 2000 }, (_, index) => parameter(`a${index}`, 'b'))),
  ),
  login(
    'another version of the protocol, again and again',
    senseless('it does not speak version 3.0'),
    (fake) => fake.sayForEver(say('v', int32(196610), int32(0))),
  ),
  login('silence', /did not answer within 0.2 s/, () => {}, '&connect_timeout=0.2'),
  login(
    'a message that comes byte by byte',
    /did not answer within 0.3 s/,
    (fake) => {
      fake.say('N', int32(1000))
      const timer = setInterval(() => fake.say('x'), 10)
      setTimeout(() => clearInterval(timer), 2000)
    },
    '&connect_timeout=0.3',
  ),
  login('an end within a message', /closed the connection during login/, (fake) => {
    fake.say('R', int32(8), int16(0))
    fake.hangUp()
  }),
  login('readiness for queries before login', senseless('it is ready before the login is complete'), (fake) =>
    fake.say(ready),
  ),
  login('an unknown way to log in', /requires authentication in an unknown way/, (fake) =>
    fake.say(authentication(99)),
  ),
  login('a way to log in that pgtrek cannot', /requires authentication by GSSAPI/, (fake) =>
    fake.say(authentication(7)),
  ),
  login('only SASL of another kind', /requires authentication by X-OTHER/, (fake) =>
    fake.say(authentication(10, Buffer.from('X-OTHER\0\0'))),
  ),
  login('no kind of authentication', senseless('it requests no authentication method'), (fake) =>
    fake.say(say('R', int16(0))),
  ),
  login('an unrequested challenge, again and again', senseless('it requests authentication again'), (fake) =>
    fake.sayForEver(authentication(11, Buffer.from('r=x,s=y,i=1'))),
  ),
  login('leave to come in, again and again', senseless('it requests authentication again'), (fake) =>
    fake.sayForEver(authentication(0)),
  ),
  login('a short salt for MD5', senseless('the salt for an MD5 hash'), (fake) =>
    fake.say(authentication(5, int16(1))),
  ),
  scram('SCRAM: hashing without end', senseless('it requires 2000000000 SCRAM iterations'), (nonce) =>
    proper(nonce).replace('i=4096', 'i=2000000000'),
  ),
  scram('SCRAM: no number', senseless('its SCRAM challenge does not answer ours'), (nonce) =>
    proper(nonce).replace('i=4096', 'i='),
  ),
  scram(
    'SCRAM: an empty salt',
    senseless('its SCRAM challenge has no salt'),
    (nonce) => `r=${nonce}x,s=,i=4096`,
  ),
  scram(
    'SCRAM: no salt',
    senseless('its SCRAM challenge does not answer ours'),
    (nonce) => `r=${nonce}x,i=4096`,
  ),
  scram(
    'SCRAM: a salt of other letters',
    senseless('its SCRAM challenge has no salt'),
    (nonce) => `r=${nonce}x,s=%%%%,i=4096`,
  ),
  scram('SCRAM: the answer to another', senseless('its SCRAM challenge does not answer ours'), () =>
    proper('other'),
  ),
  scram('SCRAM: our own word alone', senseless('its SCRAM challenge does not answer ours'), (nonce) =>
    proper(nonce).replace('more', ''),
  ),
  scram(
    'SCRAM: a wrong signature',
    /could not prove that it knows the password \(its signature is wrong\)/,
    proper,
    (fake) =>
      fake.say(authentication(12, Buffer.from(`v=${Buffer.alloc(32, 1).toString('base64')}`)), ...welcome),
  ),
  scram(
    'SCRAM: no signature',
    /could not prove that it knows the password \(it skipped that step\)/,
    proper,
    (fake) => fake.say(...welcome),
  ),
  scram('SCRAM: challenges without end', senseless('it requests authentication again'), proper, (fake) =>
    fake.sayForEver(authentication(11, Buffer.from('r=x,s=y,i=1'))),
  ),
  scram(
    'SCRAM: an error in place of a signature',
    /refused the password: invalid-proof\\x1b/,
    proper,
    (fake) => fake.say(authentication(12, Buffer.from('e=invalid-proof\x1b'))),
  ),
  login('no version', senseless('it does not report its PostgreSQL version'), (fake) =>
    fake.say(authentication(0), say('K', int32(1), int32(1)), ready),
  ),
  login('half a process number', senseless('its process number is incomplete'), (fake) =>
    fake.say(authentication(0), say('K', int32(1))),
  ),
  login('an error without words', senseless('an error has no message'), (fake) =>
    fake.say(say('E', Buffer.from('SFATAL\0\0'))),
  ),
  {
    at: 'login',
    name: 'no answer after login',
    says: /accepted the login but did not answer the first query/,
    behaviour: { onQuery: () => true },
  },
  {
    at: 'login',
    name: 'the same answer to everything',
    says: senseless('its first query was answered by something else'),
    behaviour: {
      onQuery(fake) {
        fake.say(columns('a'), row('1'), done('SELECT 1'), ready)
        return true
      },
    },
  },
  {
    at: 'login',
    name: 'an empty answer to everything',
    says: senseless('its first query was answered by something else'),
    behaviour: {
      onQuery(fake) {
        fake.say(done('SELECT 0'), ready)
        return true
      },
    },
  },
]
