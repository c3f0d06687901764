import { createSignal, Show } from 'solid-js'
import { api, type CallFailed } from '../../api/calls.ts'
import { t } from '../../i18n/index.ts'
import { Problem } from '../../parts/notice.tsx'
import { draft, requestBody } from '../../state/draft.ts'
import { job } from '../../state/job.ts'
import { confirmation, isConfirmed, isPlanCurrent, planned } from '../../state/plan.ts'
import { goToStep } from '../../state/route.ts'

/** Starts only what was shown: with a fresh plan, and what it destroys confirmed. */
export function StartButton() {
  const [starting, setStarting] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  const mayStart = () =>
    isPlanCurrent() && (isConfirmed() || draft.options.dryRun) && !job.isRunning() && !starting()
  const why = () => {
    if (job.isRunning()) return t('options.busy')
    if (isPlanCurrent() && !isConfirmed() && !draft.options.dryRun) return t('options.confirmFirst')
    return planned.problem() ? t('options.planFailed') : ''
  }
  async function start() {
    setStarting(true)
    setProblem(undefined)
    try {
      await api.migrate({ ...requestBody(), confirmed: confirmation() })
      goToStep('run')
    } catch (error) {
      setProblem(error as CallFailed)
    } finally {
      setStarting(false)
    }
  }
  return (
    <div class="start">
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <p class="quiet" id="why-not">
        {why()}
      </p>
      <button
        type="button"
        class="primary"
        aria-describedby="why-not"
        disabled={!mayStart()}
        onClick={() => void start()}
      >
        {t(starting() ? 'options.starting' : draft.options.dryRun ? 'options.startDry' : 'options.start')}
      </button>
    </div>
  )
}
