// `pgtrek client`: writes the API as a TypeScript client, one file without imports.
import { Command } from 'commander'
import { messageOf } from '../../../shared/message-of.ts'
import { UsageError } from '../../postgres/errors.ts'
import { print } from '../../system/output.ts'

export function clientCommand(): Command {
  return new Command('client')
    .description('write a typed client of the API: one TypeScript file without imports')
    .option('--output <file>', 'file to write')
    .action(async ({ output }: { output?: string }) => {
      // The routes are loaded only here: other commands start without them.
      const { writtenClient } = await import('../../api/typescript/written-client.ts')
      const text = writtenClient()
      if (output === undefined) return print([text.trimEnd()])
      try {
        await Bun.write(output, text)
      } catch (error) {
        throw new UsageError(`${output} cannot be written: ${messageOf(error)}`)
      }
      print([`The client is in ${output}.`])
    })
}
