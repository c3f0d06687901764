import { createSignal, Show } from 'solid-js'
import { api, type CallFailed } from '../../api/calls.ts'
import { t } from '../../i18n/index.ts'
import { Problem } from '../../parts/notice.tsx'
import { draft, followOptions, requestBody } from '../../state/draft.ts'
import { job } from '../../state/job.ts'
import { confirmation, isConfirmed, isPlanCurrent, planned } from '../../state/plan.ts'
import { go, goToStep } from '../../state/route.ts'

/** Starts only the plan that was shown, once its destroyed objects are confirmed. */
export function StartButton() {
  const [starting, setStarting] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  const mayStart = () =>
    isPlanCurrent() && (isConfirmed() || draft.options.dryRun) && !job.isRunning() && !starting()
  /** A dry run shows the plan, also when changes would be followed. */
  const isFollowing = () => draft.following && !draft.options.dryRun
  const words = () => {
    if (starting()) return t('options.starting')
    if (draft.options.dryRun) return t('options.startDry')
    return t(isFollowing() ? 'follow.choice.start' : 'options.start')
  }
  const why = () => {
    if (job.isRunning()) return t('options.busy')
    if (isPlanCurrent() && !isConfirmed() && !draft.options.dryRun) return t('options.confirmFirst')
    return planned.problem() ? t('options.planFailed') : ''
  }
  async function start() {
    setStarting(true)
    setProblem(undefined)
    try {
      const request = { ...requestBody(), confirmed: confirmation() }
      if (isFollowing()) {
        const { name } = await api.follow({ ...request, follow: followOptions() })
        go(`/#follow/${encodeURIComponent(name)}`)
      } else {
        await api.migrate(request)
        goToStep('run')
      }
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
        {words()}
      </button>
    </div>
  )
}
