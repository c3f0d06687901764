// A publisher as a process: `follow-publisher.ts DIRECTORY`, then a view as JSON on each line of its input. Its output
// has the requests that it gets, one on each line. It ends with its input.
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
