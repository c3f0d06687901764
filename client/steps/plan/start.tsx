// The foot of the plan: what starts, in one sentence, and the button that starts it.
import { createSignal, Show } from 'solid-js'
import { api, type CallFailed } from '../../api/calls.ts'
import { bytesText, rowsText, t } from '../../i18n/index.ts'
import { Problem } from '../../parts/notice.tsx'
import { draft, followOptions, requestBody } from '../../state/draft.ts'
import { job } from '../../state/job.ts'
import { goBack, goOn } from '../../state/journey.ts'
import { confirmation, isConfirmed, isPlanCurrent, planned, type ShownPlan } from '../../state/plan.ts'
import { go, goToStep } from '../../state/route.ts'
import { confirmId, destinationText } from './destroyed.tsx'

/** Starts only the plan that was shown, once its destroyed objects are confirmed. */
export function StartBar() {
  const [starting, setStarting] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  const mayStart = () =>
    isPlanCurrent() && (isConfirmed() || draft.options.dryRun) && !job.isRunning() && !starting()
  /** A dry run shows the plan, also when changes would be followed. */
  const isFollowing = () => draft.following && !draft.options.dryRun
  const isUnconfirmed = () => isPlanCurrent() && !isConfirmed() && !draft.options.dryRun
  const words = () => {
    if (starting()) return t('options.starting')
    if (draft.options.dryRun) return t('options.startDry')
    return t(isFollowing() ? 'follow.choice.start' : 'options.start')
  }
  const why = () => {
    if (job.isRunning()) return t('options.busy')
    if (isUnconfirmed()) return t('options.confirmFirst')
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
    <section class="start-bar" aria-label={t('plan.start')}>
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <div class="start-line">
        <button type="button" onClick={() => goBack('plan')}>
          <span aria-hidden="true">←</span> {t('app.back')}
        </button>
        <div class="start-words">
          <Show when={planned.answer()}>
            {(answer) => <p id="start-what">{whatStarts(answer().plan, isFollowing())}</p>}
          </Show>
          <p class="quiet" id="why-not">
            {why()}{' '}
            <Show when={isUnconfirmed() && !job.isRunning()}>
              <button type="button" class="small" onClick={showConfirmation}>
                {t('plan.toConfirm')}
              </button>
            </Show>
          </p>
        </div>
        <Show when={draft.purpose === 'refresh'}>
          <button type="button" onClick={() => goOn('plan')}>
            {t('start.toSchedule')}
          </button>
        </Show>
        <button
          type="button"
          class="primary"
          aria-describedby="start-what why-not"
          disabled={!mayStart()}
          onClick={() => void start()}
        >
          {words()}
        </button>
      </div>
    </section>
  )
}

function showConfirmation() {
  const box = document.getElementById(confirmId)
  box?.scrollIntoView({ block: 'center' })
  box?.querySelector('input')?.focus({ preventScroll: true })
}

function whatStarts(plan: ShownPlan, isFollowing: boolean): string {
  const to = destinationText()
  if (draft.options.dryRun) return t('plan.what.dry')
  const emptied = plan.destroyed.filter(({ action }) => action === 'truncate').length
  const dropped = plan.destroyed.length - emptied
  const isCopying = plan.tables.length > 0 && !draft.options.schemaOnly
  const parts = [
    isCopying
      ? t(isFollowing ? 'plan.what.follows' : 'plan.what.copies', {
          tables: rowsText(plan.tables.length),
          rows: rowsText(plan.rows),
          bytes: bytesText(plan.bytes),
          to,
        })
      : t('plan.what.creates', { count: rowsText(plan.objects.length), to }),
    ...(emptied > 0 ? [t('plan.what.empties', { count: rowsText(emptied) })] : []),
    ...(dropped > 0 ? [t('plan.what.drops', { count: rowsText(dropped) })] : []),
  ]
  return `${parts.join(t('plan.what.between'))}${t('plan.what.end')}`
}
