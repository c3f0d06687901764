// The question before anything of the destination is deleted. Without a terminal nobody can answer it.
import { createInterface } from 'node:readline/promises'
import type { Plan } from '../migrate/plan/types.ts'
import { destructionLines } from './render/plan.ts'
import type { View } from './render/view-types.ts'

const shownNames = 20

export async function confirmDestruction(plan: Plan, view: View, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  using _ = view.pause()
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // While it reads a line the terminal sends no signal for Ctrl-C.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const lines = destructionLines(plan.destroyed, shownNames)
    const answer = await terminal.question(`${lines.join('\n')}\nType yes to continue: `, { signal })
    return answer.trim().toLowerCase() === 'yes'
  } catch (error) {
    if (signal.aborted) return false
    throw error
  } finally {
    terminal.close()
  }
}
