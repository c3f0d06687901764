// A publisher as a process: `follow-publisher.ts DIRECTORY`, then a view as JSON a line on its input. What it is
// asked comes out, a line each. It ends with its input.
import { createInterface } from 'node:readline'
import type { FollowView } from '../../shared/follow-view.ts'
import { Publication } from './publishing.ts'

const [, , directory = ''] = process.argv
using publication = new Publication(directory, (action) => {
  process.stdout.write(`${JSON.stringify(action)}\n`)
})
for await (const line of createInterface({ input: process.stdin })) {
  publication.publish(JSON.parse(line) as FollowView)
  process.stdout.write('published\n')
}
publication.end()
