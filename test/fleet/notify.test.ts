// Hooks get each event once, in their own format, without delaying the fleet.
import { afterEach, describe, expect, test } from 'bun:test'
import { type FleetEvent, Notifier } from '../../server/fleet/notify.ts'
import type { FleetNotification } from '../../shared/fleet.ts'
import { eventually } from '../../tools/eventually.ts'

interface Receiver {
  url: string
  bodies: Received[]
  /** Resolves after this many messages. */
  until(count: number): Promise<void>
  stop(): Promise<void>
}

interface Received {
  text: string
  events: { mapping: string; database?: string; text: string; kind: string; at: string }[]
  blocks: { text: { type: string; text: string } }[]
  attachments: { contentType: string; content: { body: { inlines: { text: string; color: string }[] }[] } }[]
}

const receivers: Receiver[] = []
const quick = { gapMs: 0, firstPauseMs: 1, longestPauseMs: 5, patienceMs: 10_000 }

afterEach(async () => {
  await Promise.all(receivers.splice(0).map((one) => one.stop()))
})

/** A hook; `answer` returns the response to the message of this number. */
function receiver(
  answer: (count: number) => Response | Promise<Response> = () => new Response('ok'),
): Receiver {
  const bodies: Received[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      bodies.push((await request.json()) as Received)
      return await answer(bodies.length)
    },
  })
  const one: Receiver = {
    url: `http://127.0.0.1:${server.port}/hooks/secret-of-the-hook`,
    bodies,
    async until(count) {
      await eventually(
        `${count} messages`,
        () => bodies.length,
        (number) => number >= count,
      )
    },
    stop: () => server.stop(true),
  }
  receivers.push(one)
  return one
}

function notification(url: string, other: Partial<FleetNotification> = {}): FleetNotification {
  return { url, format: 'json', on: ['phase', 'problem', 'ready', 'done'], ...other }
}

const problem: FleetEvent = {
  kind: 'problem',
  mapping: 'shops',
  database: 'shop_1',
  state: 'problem',
  message: 'disk full',
}
const ready: FleetEvent = { ...problem, kind: 'ready', state: 'ready', message: 'behind by 0 bytes' }

describe('each receiver gets its own format', () => {
  test('plain JSON: the text and the events', async () => {
    const hook = receiver()
    const notifier = new Notifier([notification(hook.url)], () => {}, quick)
    notifier.tell(problem)
    await notifier.close()
    expect(hook.bodies).toEqual([
      expect.objectContaining({
        source: 'pgtrek',
        text: '✖ shops/shop_1: problem – disk full',
        events: [{ ...problem, text: '✖ shops/shop_1: problem – disk full', at: expect.any(String) }],
      }),
    ])
  })

  test('Slack: blocks of plain text, and a text without mentions', async () => {
    const hook = receiver()
    const notifier = new Notifier([notification(hook.url, { format: 'slack' })], () => {}, quick)
    notifier.tell({ ...problem, message: '<!channel> & *all*' })
    await notifier.close()
    const [{ text, blocks } = { text: '', blocks: [] }] = hook.bodies
    expect(text).toContain('&lt;!channel&gt; &amp; *all*')
    expect(blocks).toEqual([
      expect.objectContaining({
        text: { type: 'plain_text', emoji: false, text: expect.stringContaining('<!channel> & *all*') },
      }),
    ])
  })

  test('Teams: an adaptive card of text without Markdown', async () => {
    const hook = receiver()
    const notifier = new Notifier([notification(hook.url, { format: 'teams' })], () => {}, quick)
    notifier.tell(problem)
    await notifier.close()
    const card = hook.bodies[0]?.attachments[0]
    expect(card?.contentType).toBe('application/vnd.microsoft.card.adaptive')
    expect(card?.content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' })
    expect(card?.content.body).toEqual([
      expect.objectContaining({
        inlines: [
          expect.objectContaining({ color: 'attention', text: '✖ shops/shop_1: problem – disk full' }),
        ],
      }),
    ])
  })

  test('a template replaces the format; unknown placeholders stay', async () => {
    const hook = receiver()
    const template = '[{mapping}] {database} -> {state}: {message} {unknown}'
    const notifier = new Notifier([notification(hook.url, { template })], () => {}, quick)
    notifier.tell({ ...problem, message: '{mapping}' })
    await notifier.close()
    expect(hook.bodies[0]?.text).toBe('[shops] shop_1 -> problem: {mapping} {unknown}')
  })
})

describe('which events are sent', () => {
  test('only those that a hook subscribes to', async () => {
    const [all, few] = [receiver(), receiver()]
    const notifier = new Notifier(
      [notification(all.url), notification(few.url, { on: ['done'] })],
      () => {},
      quick,
    )
    notifier.tell(problem)
    notifier.tell({ ...problem, kind: 'done', state: 'done', message: '' })
    await notifier.close()
    expect(all.bodies.flatMap(({ events }) => events.map(({ kind }) => kind))).toEqual(['problem', 'done'])
    expect(few.bodies.flatMap(({ events }) => events.map(({ kind }) => kind))).toEqual(['done'])
  })

  test('the same event once, until a success in between', async () => {
    const hook = receiver()
    const notifier = new Notifier([notification(hook.url)], () => {}, quick)
    const copying: FleetEvent = { ...problem, kind: 'phase', state: 'copying', message: '' }
    for (const event of [problem, copying, problem, copying, problem, ready, ready, problem, ready]) {
      notifier.tell(event)
    }
    notifier.tell({ ...problem, database: 'shop_2' })
    await notifier.close()
    expect(hook.bodies.flatMap(({ events }) => events.map((one) => `${one.database} ${one.kind}`))).toEqual([
      'shop_1 problem',
      'shop_1 phase',
      'shop_1 ready',
      'shop_1 problem',
      'shop_1 ready',
      'shop_2 problem',
    ])
  })

  test('five thousand at once are some hundred messages, and none is lost', async () => {
    const hook = receiver()
    const notifier = new Notifier([notification(hook.url)], () => {}, quick)
    for (let index = 0; index < 5_000; index++) notifier.tell({ ...ready, database: `shop_${index}` })
    await notifier.close()
    const sent = hook.bodies.flatMap(({ events }) => events.map(({ database }) => database))
    expect(new Set(sent).size).toBe(5_000)
    expect(hook.bodies.length).toBeLessThan(150)
  })
})

describe('a hook that does not work', () => {
  test('is tried again when it was busy, without a warning', async () => {
    const hook = receiver((count) => new Response('', { status: [429, 503, 200][count - 1] ?? 500 }))
    const warnings: string[] = []
    const notifier = new Notifier([notification(hook.url)], (line) => warnings.push(line), quick)
    notifier.tell(problem)
    await hook.until(3)
    await notifier.close()
    expect(hook.bodies).toHaveLength(3)
    expect(warnings).toEqual([])
  })

  test('is a warning with its host, and without the rest of its URL', async () => {
    const refusing = receiver(() => new Response('no such hook: secret-of-the-hook', { status: 404 }))
    const leading = receiver(() => Response.redirect('http://127.0.0.1:1/elsewhere-secret-of-the-hook'))
    const gone = 'http://127.0.0.1:1/secret-of-the-hook'
    const warnings: string[] = []
    const notifier = new Notifier(
      [refusing.url, leading.url, gone].map((url) => notification(url)),
      (line) => warnings.push(line),
      { ...quick, attempts: 2 },
    )
    notifier.tell(problem)
    await notifier.close()
    expect(refusing.bodies).toHaveLength(1)
    expect(leading.bodies).toHaveLength(1)
    expect(warnings.toSorted()).toEqual(
      [
        `notifications to 127.0.0.1:1: 1 message not delivered: ECONNREFUSED`,
        `notifications to ${new URL(refusing.url).host}: 1 message not delivered: it answered HTTP 404`,
        `notifications to ${new URL(leading.url).host}: 1 message not delivered: it answered HTTP 302`,
      ].toSorted(),
    )
    expect(warnings.join()).not.toContain('secret')
  })

  test('delays neither the fleet nor the other hooks, and is given up at the end', async () => {
    const never = Promise.withResolvers<Response>()
    const [stuck, good] = [receiver(() => never.promise), receiver()]
    const warnings: string[] = []
    const hooks = [notification(stuck.url), notification(good.url)]
    const notifier = new Notifier(hooks, (line) => warnings.push(line), quick)
    notifier.tell(problem)
    await Promise.all([stuck.until(1), good.until(1)])
    notifier.tell(ready)
    await good.until(2)
    await notifier.close(AbortSignal.abort())
    expect(warnings.filter((line) => line.includes(new URL(stuck.url).host))).toEqual([
      expect.stringContaining('1 message not delivered'),
      expect.stringContaining('1 message not sent'),
    ])
    never.resolve(new Response(''))
  })
})
