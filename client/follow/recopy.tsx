// Copying failed tables again, and the result.
import { createSignal, Show } from 'solid-js'
import type { FollowView } from '../../shared/follow-view.ts'
import { showName } from '../../shared/table-name.ts'
import { api } from '../api/calls.ts'
import { inLanguage, t } from '../i18n/index.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import { hasProcess } from '../state/follows.ts'
import { createRequest } from './request.ts'

export function RecopyButton(props: { view: FollowView }) {
  const { busy, problem, send } = createRequest()
  const [asked, setAsked] = createSignal(false)
  function start() {
    setAsked(false)
    // By name: only the tables that this page shows.
    const tables = props.view.failed_tables.map(patternOf)
    void send(() => api.recopy(props.view.name, tables))
  }
  return (
    <Show when={mayRecopy(props.view)}>
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <div class="actions">
        <button type="button" class="primary" disabled={busy()} onClick={() => setAsked(true)}>
          {t('follow.recopy.start')}
        </button>
      </div>
      <Confirm
        open={asked()}
        title={t('follow.recopy.title')}
        yes={t('follow.recopy.start')}
        no={t('follow.actions.no')}
        onYes={start}
        onClose={() => setAsked(false)}
      >
        {t('follow.recopy.lead')}
      </Confirm>
    </Show>
  )
}

export function RecopyState(props: { view: FollowView }) {
  const names = () => (props.view.recopy?.tables ?? []).map(showName).join(', ')
  return (
    <>
      <Show when={hasProcess(props.view) && props.view.recopy?.state === 'running'}>
        <Notice tone="info">{t('follow.recopy.running', { tables: names() })}</Notice>
      </Show>
      <Show when={props.view.recopy?.state === 'failed'}>
        <Notice tone="bad" role="alert" title={t('follow.recopy.failed')}>
          <p class="server-words">{inLanguage(props.view.recopy?.message ?? '')}</p>
        </Notice>
      </Show>
    </>
  )
}

function mayRecopy(view: FollowView): boolean {
  const flows = hasProcess(view) && (view.stage === 'catchup' || view.stage === 'streaming')
  const isBusy = view.recopy?.state === 'running' || view.switchover?.state === 'running'
  return flows && !isBusy && view.streams.length > 0 && view.direction === 'forward'
}

/** Quoted, since a name may contain dots or wildcards. */
function patternOf({ schema, name }: { schema: string; name: string }): string {
  return [schema, name].map((part) => `"${part.replaceAll('"', '""')}"`).join('.')
}
