// After a dry run: the same request, as a real run. The plan's confirmation goes with it, so that nothing else than what
// was shown can be destroyed.
import { createSignal, Show } from 'solid-js'
import type { RequestBody } from '../../../shared/api.ts'
import { api, type CallFailed } from '../../api/calls.ts'
import { rowsText, t } from '../../i18n/index.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Problem } from '../../parts/notice.tsx'
import { endsOf } from '../../state/draft.ts'
import { job } from '../../state/job.ts'

export function RunThis(props: { request: RequestBody }) {
  const [asking, setAsking] = createSignal(false)
  const [starting, setStarting] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  const destroyed = () => job.overview()?.plan?.destroyed.length ?? 0
  async function start() {
    setAsking(false)
    setStarting(true)
    setProblem(undefined)
    const { selection, tables, hooks, options } = props.request
    try {
      await api.migrate({
        ...endsOf(props.request),
        ...(selection && { selection }),
        ...(tables && { tables }),
        ...(hooks && { hooks }),
        options: { ...options, dryRun: false },
        confirmed: job.overview()?.plan?.confirmation ?? false,
      })
    } catch (error) {
      setProblem(error as CallFailed)
    } finally {
      setStarting(false)
    }
  }
  return (
    <>
      <button type="button" class="primary" disabled={starting()} onClick={() => setAsking(true)}>
        {t('repair.runThis')}
      </button>
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <Confirm
        open={asking()}
        title={t('repair.runThisTitle')}
        yes={t('repair.runThisYes')}
        no={t('repair.applyNo')}
        onYes={() => void start()}
        onClose={() => setAsking(false)}
      >
        {t('repair.runThisLead')}
        <Show when={destroyed() > 0}> {t('repair.runThisDestroys', { count: rowsText(destroyed()) })}</Show>
      </Confirm>
    </>
  )
}
