// `pgtrek licenses`: prints the licenses of everything that the executable contains.
import { Command } from 'commander'
import { print } from '../../system/output.ts'
import { licenses } from '../licenses-text.ts'

export function licensesCommand(): Command {
  return new Command('licenses').description('print the licenses of pgtrek and its components').action(() => {
    print([licenses.trimEnd()])
  })
}
