// `clone --follow --dry-run`: the plan of the copy, and whether its changes could be followed. Nothing is made.

import type { Settled } from '../config/settle.ts'
import { prepare } from '../follow/prepare.ts'
import { Cancelled } from '../postgres/errors.ts'
import { NoMemory } from '../store/run-memory.ts'
import { jsonText, print, tell } from '../system/output.ts'
import { exitCode } from './exit.ts'
import { interruptible } from './interrupt.ts'
import { describePlan } from './render/plan.ts'
import { planAsJson } from './render/plan-json.ts'
import { endsOf, type FollowFlags, refuseContradictions } from './run-follow.ts'

export async function planCloneAndFollow(request: Settled, flags: FollowFlags): Promise<number> {
  refuseContradictions(request)
  const ends = endsOf(request, flags)
  const { selection, tables, hooks, options } = request
  using interrupt = interruptible(() => tell('stopping; once more stops at once'))
  for (const warning of [...request.warnings, ...ends.source.warnings, ...ends.destination.warnings]) {
    tell(`warning: ${warning}`)
  }
  try {
    const { plan, warnings } = await prepare(
      {
        ...ends,
        ...{ run: 'plan', selection, tables, hooks, options, runMemory: new NoMemory() },
        onEvent() {},
        confirm: () => false,
      },
      interrupt.signal,
    )
    const whole = { ...plan, warnings: [...plan.warnings, ...warnings] }
    const detail = { verbose: flags.level === 'verbose' }
    const lines = flags.json ? [jsonText(planAsJson(whole, detail))] : describePlan(whole, detail)
    print(lines)
    return exitCode.done
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error
    return exitCode.cancelled
  }
}
