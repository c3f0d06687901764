// The user's hooks before and after the phases, as steps of the plan.
import type { Hook } from '../../../shared/request.ts'
import type { PlanBuilder } from './builder.ts'
import type { Step } from './step.ts'

/** The hooks of one place, one after the other. They wait for the end of `after`, however it ends. */
export function planHooks(
  builder: PlanBuilder,
  when: Hook['when'],
  phase: Hook['phase'],
  after: readonly Step[],
): Step[] {
  const steps: Step[] = []
  for (const hook of builder.hooks) {
    if (hook.when !== when || hook.phase !== phase) continue
    const previous = steps.at(-1)
    steps.push(
      builder.add(
        { phase: 'others', kind: 'HOOK', name: hookName(hook) },
        { kind: 'hook', hook },
        {
          pool: 'ddl',
          after: after.map(({ id }) => id),
          needs: previous ? [previous.id] : [],
        },
      ),
    )
  }
  // Later steps need the last hook, and thereby all of them.
  return steps.slice(-1)
}

export function hookName({ when, phase, run, name }: Hook): string {
  const where = 'command' in run ? 'command' : `on the ${run.on}`
  return `${when} ${phase}, ${where}: ${name ?? firstLine('command' in run ? run.command : run.sql)}`
}

function firstLine(text: string): string {
  const [line = ''] = text.trim().split('\n')
  return line.length > 60 ? `${line.slice(0, 57)}...` : line
}

/** All later steps need the hooks, which wait for all earlier steps. */
export function waitForHooks(
  builder: PlanBuilder,
  when: Hook['when'],
  phase: Hook['phase'],
  after: readonly Step[],
) {
  const last = planHooks(builder, when, phase, [...after, ...builder.gate])
  if (last.length > 0) builder.gate = last
}
