// Follows in a separate process, so that it can be killed; its options are JSON, its input and output are pipes.
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Follower } from '../../server/replication/apply/follower.ts'
import { parseLsn } from '../../server/replication/stream/lsn.ts'

const given = JSON.parse(process.argv[2] ?? '{}')
for (;;) {
  try {
    const follower = await Follower.start({
      ...given,
      source: resolveSettings({ url: given.source }),
      destination: resolveSettings({ url: given.destination }),
      onEvent: (event) => event.type !== 'follow_progress' && console.log(JSON.stringify(event)),
    })
    process.stdin.on(
      'data',
      (text: Buffer) => void follower.stopAt(parseLsn(text.toString().trim().split('\n').at(-1) ?? '')),
    )
    await follower.done
    process.exit(0)
  } catch (error) {
    const { name, sqlstate, message } = error as Error & { sqlstate?: string }
    // Errors of a server that is starting, or of a session that has not ended completely.
    const passes =
      ['ConnectFailed', 'ConnectionLost', 'PositionBusy'].includes(name) || /^5[57]/.test(sqlstate ?? '')
    console.log(JSON.stringify({ type: 'process', passes, message }))
    if (!passes) process.exit(1)
    // The parent process has a deadline, and ends this one.
    await Bun.sleep(100)
  }
}
