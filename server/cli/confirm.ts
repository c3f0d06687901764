// Questions that must be answered with yes before the destination is changed. Without a terminal the answer is no.
import { createInterface } from 'node:readline/promises'
import type { Plan } from '../migrate/plan/types.ts'
import { destructionLines } from './render/plan.ts'
import type { View } from './render/view-types.ts'

const shownNames = 20

export async function confirmDestruction(plan: Plan, view: View, signal: AbortSignal): Promise<boolean> {
  if (!canAsk()) return false
  using _ = view.pause()
  return await askToContinue(destructionLines(plan.destroyed, shownNames), signal)
}

export async function askToContinue(lines: readonly string[], signal: AbortSignal): Promise<boolean> {
  if (!canAsk()) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // While it reads a line the terminal sends no signal for Ctrl-C.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const answer = await terminal.question(`${lines.join('\n')}\nType yes to continue: `, { signal })
    return answer.trim().toLowerCase() === 'yes'
  } catch (error) {
    if (signal.aborted) return false
    throw error
  } finally {
    terminal.close()
  }
}

function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}
