// In a session: in queries, copies, streams of changes, and requests of pg_dump.
import {
  authentication,
  type Behaviour,
  columns,
  done,
  int16,
  int32,
  lying,
  notice,
  ready,
  row,
  say,
  text,
  welcome,
} from '../../support/fake-server.ts'
import { type Answer, type Case, lengths, type Place, senseless } from './case.ts'

function during(at: Place, name: string, says: RegExp, answer: Answer, more: Partial<Case> = {}): Case {
  return {
    at,
    name,
    says,
    behaviour: {
      onQuery(fake, sql) {
        const isMeant = /select a from t|copy t|START_REPLICATION|select 1$|^sync$/.test(sql)
        if (isMeant) answer(fake)
        return isMeant
      },
    },
    ...more,
  }
}

const query = (name: string, says: RegExp, answer: Answer) => during('query', name, says, answer)
const copy = (name: string, says: RegExp, answer: Answer) => during('copy', name, says, answer)
const stream = (name: string, says: RegExp, answer: Answer) => during('stream', name, says, answer)

const into = (name: string, says: RegExp, answer: Answer) => during('into', name, says, answer)
const tables = (name: string, says: RegExp, answer: Answer) => during('tables', name, says, answer)
const pipeline = (name: string, says: RegExp, answer: Answer) => during('pipeline', name, says, answer)
const copyOut = say('H', Buffer.from([0]), int16(1), int16(0))
const copyIn = say('G', Buffer.from([0]), int16(1), int16(0))
const copyBoth = say('W', Buffer.from([0]), int16(0))
const data = (words: string) => say('d', Buffer.from(words))

/** Falls silent in the middle of an answer. `whenAsked`: what happens to the connections that ask about it. */
function silent(
  at: Place,
  name: string,
  says: RegExp,
  start: Uint8Array[],
  whenAsked: Pick<Behaviour, 'onStart' | 'onQuery'>,
): Case {
  const { behaviour, ...rest } = during(at, name, says, (fake) => fake.say(...start), {
    parameters: '&connect_timeout=0.1',
  })
  return {
    ...rest,
    behaviour: {
      onStart(fake) {
        if (fake.place === 0 || !whenAsked.onStart) fake.say(...welcome)
        else whenAsked.onStart(fake)
      },
      onQuery: (fake, sql) =>
        (sql.includes('pg_stat_activity') && whenAsked.onQuery?.(fake, sql)) ||
        behaviour.onQuery?.(fake, sql) === true,
    },
  }
}

const isGone: Behaviour = {
  onQuery(fake) {
    fake.say(columns(['waiting', 16]), done('SELECT 0'), ready)
    return true
  },
}
const isWaiting: Behaviour = {
  onQuery(fake) {
    fake.say(columns(['waiting', 16]), row('t'), done('SELECT 1'), ready)
    return true
  },
}

export const inSessions: Case[] = [
  ...lengths.map(([name, length]) =>
    query(`a length of ${name}`, senseless('a message of type "T" has a length of'), (fake) =>
      fake.say(lying('T', length)),
    ),
  ),
  query('a row of 2 GB', senseless('a message of type "D" has a length of 2147483647 bytes'), (fake) =>
    fake.say(columns('a'), lying('D', 0x7fffffff)),
  ),
  query('endless rows', senseless('the answer does not end'), (fake) => {
    fake.say(columns('a'))
    fake.sayForEver(row('x'.repeat(1000)))
  }),
  query('endless rows without columns', senseless('the answer does not end'), (fake) => {
    fake.say(columns())
    fake.sayForEver(row())
  }),
  query('endless notices', senseless('the answer does not end'), (fake) => fake.sayForEver(notice())),
  query('a row with too many columns', senseless('a row has 2 columns, and 1 were described'), (fake) =>
    fake.say(columns('a'), row('1', '2'), done('SELECT 1'), ready),
  ),
  query('a value that is longer than its row', senseless('the columns of a row are longer'), (fake) =>
    fake.say(columns('a'), say('D', int16(1), int32(1000)), done('SELECT 1'), ready),
  ),
  query('a value of less than nothing', senseless('a value in a row has a length of -7 bytes'), (fake) =>
    fake.say(columns('a'), say('D', int16(1), int32(-7)), done('SELECT 1'), ready),
  ),
  query('a row without columns', senseless('a row came before its columns'), (fake) =>
    fake.say(row('1'), done('SELECT 1'), ready),
  ),
  query('a name of a column without an end', senseless('the description of columns is incomplete'), (fake) =>
    fake.say(say('T', int16(1), Buffer.from('abc')), done('SELECT 0'), ready),
  ),
  query('a query that does not end', senseless('it is ready for the next query before'), (fake) =>
    fake.say(columns('a'), row('1'), ready),
  ),
  query('fewer rows than it says', senseless('it sent 1 rows and reports that it sent 5'), (fake) =>
    fake.say(columns('a'), row('1'), done('SELECT 5'), ready),
  ),
  query('the end of a query that has none', senseless('a command ended with'), (fake) =>
    fake.say(say('C', Buffer.from('\x1b[2J')), ready),
  ),
  query('rows of nothing', senseless('a query was answered without columns'), (fake) =>
    fake.say(done('SELECT 0'), ready),
  ),
  {
    ...query(
      'no row where there has to be one',
      senseless('a query that has one row was answered with none'),
      (fake) => fake.say(columns('a'), done('SELECT 0'), ready),
    ),
    error: 'ProtocolViolation',
  },
  query(
    'a value that its type does not have',
    senseless('a value in a row does not match its type'),
    (fake) => fake.say(columns(['a', 114]), row('{'), done('SELECT 1'), ready),
  ),
  query('the end of a portal', senseless('a message of type "3" came although'), (fake) =>
    fake.say(say('3')),
  ),
  query('a COPY', senseless('it starts a COPY'), (fake) => fake.say(copyOut, data('1\n'))),
  query('a login', senseless('a message of type "R" came after login'), (fake) =>
    fake.say(authentication(0)),
  ),
  query('a kind of message that there is not', senseless('there is no message of type 0x01'), (fake) =>
    fake.say(say('\x01', text('x'))),
  ),
  query('a state that does not exist', senseless('it reports an unknown transaction status'), (fake) =>
    fake.say(columns('a'), row('1'), done('SELECT 1'), say('Z', Buffer.from('?'))),
  ),
  query('an end within a message', /the connection to .* was lost/, (fake) => {
    fake.say('T', int32(100))
    fake.hangUp()
  }),
  silent(
    'query',
    'silence; the session is gone',
    /no data was received for .* no longer has this session/,
    [],
    isGone,
  ),
  silent(
    'query',
    'silence; the server waits for us',
    /no data was received for .* the server is waiting for pgtrek/,
    [columns('a')],
    isWaiting,
  ),
  silent(
    'query',
    'silence, to everybody',
    /no data was received for .* no other connection could be opened/,
    [],
    {
      onStart() {},
    },
  ),
  silent(
    'copy',
    'silence; the session is gone',
    /no data was received for .* no longer has this session/,
    [copyOut, data('1\n')],
    isGone,
  ),
  silent('copy', 'silence; the server waits for us', /the server is waiting for pgtrek/, [], isWaiting),
  silent('copy', 'silence, to everybody', /no other connection could be opened/, [copyOut, data('half a')], {
    onStart() {},
  }),
  silent(
    'stream',
    'silence instead of a start',
    /no data was received for .* no longer has this session/,
    [],
    isGone,
  ),
  silent(
    'tunnel',
    'silence',
    /no data was received for .* no longer has this session/,
    [columns('a')],
    isGone,
  ),
  ...lengths.map(([name, length]) =>
    copy(`a length of ${name}`, senseless('a message of type "d" has a length of'), (fake) =>
      fake.say(copyOut, data('1\n'), lying('d', length)),
    ),
  ),
  copy(
    'a length of nothing, byte by byte',
    senseless('a message of type "d" has a length of 0 bytes'),
    (fake) => {
      fake.say(copyOut, data('1\n'), 'd')
      setTimeout(() => fake.say(int32(0)), 20)
    },
  ),
  copy(
    'a length of nothing at the start',
    senseless('a message of type "H" has a length of 0 bytes'),
    (fake) => fake.say(lying('H', 0)),
  ),
  copy('rows of a query', senseless('a message of type "D" came during a COPY'), (fake) =>
    fake.say(copyOut, data('1\n'), row('1')),
  ),
  copy('an end before its rows', senseless('a message of type "C" came during a COPY'), (fake) =>
    fake.say(copyOut, data('1\n'), done('COPY 1'), ready),
  ),
  copy('no number of rows', senseless('a message of type "Z" came before the end of a COPY'), (fake) =>
    fake.say(copyOut, data('1\n'), say('c'), ready),
  ),
  copy('a number of rows that is none', senseless('a command ended with "COPY many"'), (fake) =>
    fake.say(copyOut, data('1\n'), say('c'), done('COPY many'), ready),
  ),
  copy('readiness at once', senseless('a message of type "Z" came before the end of a COPY'), (fake) =>
    fake.say(ready),
  ),
  {
    ...copy(
      'more rows than it sent',
      senseless('the source sent 5 rows, and the destination reports that it received 1'),
      (fake) => fake.say(copyOut, data('1\n'), say('c'), done('COPY 5'), ready),
    ),
    error: 'ProtocolViolation',
  },
  copy('endless notices', senseless('the answer does not end'), (fake) => {
    fake.say(copyOut, data('1\n'))
    fake.sayForEver(notice())
  }),
  copy('an end within a row', /the connection to me@.* was lost/, (fake) => {
    fake.say(copyOut, 'd', int32(100), 'half')
    setTimeout(() => fake.hangUp(), 20)
  }),
  stream('a length of 2 GB', senseless('a message of type "d" has a length of 2147483647'), (fake) =>
    fake.say(copyBoth, lying('d', 0x7fffffff)),
  ),
  stream('a length of nothing', senseless('a message of type "d" has a length of 0'), (fake) =>
    fake.say(copyBoth, lying('d', 0)),
  ),
  stream('rows of a query', senseless('a message of type "D" came during a stream of changes'), (fake) =>
    fake.say(copyBoth, row('1')),
  ),
  during('tunnel', 'a length of nothing', senseless('a message of type "T" has a length of 0'), (fake) =>
    fake.say(lying('T', 0)),
  ),
  during('tunnel', 'an answer without an end', senseless('the answer does not end'), (fake) => {
    fake.say(columns('a'))
    fake.sayForEver(row('x'.repeat(1000)))
  }),
  during(
    'tunnel',
    'a kind of message that there is not',
    senseless('there is no message of type "w"'),
    (fake) => fake.say(say('w')),
  ),
  into('rows, where it is to take some', senseless('a message of type "H" came during a COPY'), (fake) =>
    fake.say(copyOut),
  ),
  into('an end before the rows', senseless('a message of type "Z" came before the end of a COPY'), (fake) =>
    fake.say(ready),
  ),
  into('readiness twice', senseless('a message of type "Z" came'), (fake) => fake.say(copyIn, ready, ready)),
  into('a length of nothing', senseless('a message of type "N" has a length of 0'), (fake) =>
    fake.say(lying('N', 0)),
  ),
  into('endless notices', senseless('the answer does not end'), (fake) => fake.sayForEver(notice())),
  silent(
    'into',
    'silence; the session is gone',
    /no data was received for .* no longer has this session/,
    [copyIn],
    isGone,
  ),
  tables('readiness at once', senseless('a message of type "Z" came before the end of a COPY'), (fake) =>
    fake.say(ready),
  ),
  tables('only the first table', senseless('a message of type "Z" came before the end of a COPY'), (fake) =>
    fake.say(copyOut, data('1\n'), say('c'), done('COPY 1'), ready),
  ),
  tables('the end of a table that has none', senseless('a message of type "C" came during a COPY'), (fake) =>
    fake.say(done('COPY 1')),
  ),
  tables('rows of a query', senseless('a message of type "D" came during a COPY'), (fake) =>
    fake.say(copyOut, data('1\n'), row('1')),
  ),
  tables('a length of 2 GB', senseless('a message of type "d" has a length of 2147483647'), (fake) =>
    fake.say(copyOut, lying('d', 0x7fffffff)),
  ),
  silent(
    'tables',
    'silence; the session is gone',
    /no longer has this session/,
    [copyOut, data('1\n')],
    isGone,
  ),
  pipeline(
    'an end that was not requested',
    senseless('a message of type "C" came although nothing was requested'),
    (fake) => fake.say(done('UPDATE 1'), done('UPDATE 1')),
  ),
  pipeline(
    'readiness before an answer',
    senseless('a message of type "Z" came before all answers were received'),
    (fake) => fake.say(ready),
  ),
  pipeline('a number of rows that is none', senseless('a command ended with "UPDATE some"'), (fake) =>
    fake.say(done('UPDATE some')),
  ),
  pipeline('a login', senseless('a message of type "R" came among the answers'), (fake) =>
    fake.say(authentication(0)),
  ),
  pipeline('a length of nothing', senseless('a message of type "C" has a length of 0'), (fake) =>
    fake.say(lying('C', 0)),
  ),
]
