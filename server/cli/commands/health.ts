// `pgtrek health`: asks a running pgtrek whether it answers, for containers without another HTTP client.

import { Command } from 'commander'
import { messageOf } from '../../../shared/message-of.ts'
import { print, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'

const patienceMs = 5_000

export function healthCommand(): Command {
  return new Command('health')
    .description('check whether a running "pgtrek serve" or "pgtrek worker" responds')
    .option('--url <url>', 'its address', 'http://127.0.0.1:8080')
    .action(async ({ url }: { url: string }) => {
      process.exitCode = await health(url)
    })
}

async function health(url: string): Promise<number> {
  try {
    const answer = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(patienceMs) })
    if (!answer.ok) throw new Error(`it responded with status ${answer.status}`)
    print(['ok'])
    return exitCode.done
  } catch (error) {
    tell(`pgtrek: ${url}: ${messageOf(error)}`)
    return exitCode.failures
  }
}
