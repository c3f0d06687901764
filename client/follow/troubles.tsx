// What went wrong, and what to read before switching over.
import { Show } from 'solid-js'
import type { FollowView } from '../../shared/follow-view.ts'
import { showName } from '../../shared/phase.ts'
import { rowsText, t } from '../i18n/index.ts'
import { Notice } from '../parts/notice.tsx'
import { Cut } from '../steps/options/plan-panel.tsx'

export function FailedTables(props: { view: FollowView }) {
  const failed = () => props.view.failed_tables
  return (
    <Show when={failed().length > 0}>
      <Notice tone="bad" role="group" title={t('follow.failedTables', { count: rowsText(failed().length) })}>
        <p>{t('follow.failedTablesLead')}</p>
        <Cut
          list={failed()}
          each={(table) => (
            <li class="failure">
              <b>{showName(table)}</b>
              <p class="server-words">{table.error}</p>
            </li>
          )}
        />
      </Notice>
    </Show>
  )
}

export function FollowWarnings(props: { view: FollowView }) {
  const warnings = () => (props.view.stage === 'done' ? [] : props.view.warnings)
  return (
    <Show when={warnings().length > 0}>
      <Notice tone="warn" role="group" title={t('follow.warnings', { count: rowsText(warnings().length) })}>
        <Cut list={warnings()} each={(text) => <li>{text}</li>} />
      </Notice>
    </Show>
  )
}

/** What made it stop or wait; a conflict has its own card. */
export function LastError(props: { view: FollowView }) {
  const isTrouble = () => ['waiting', 'failed'].includes(props.view.state)
  return (
    <Show when={isTrouble() && props.view.last_error}>
      {(error) => (
        <Notice
          tone={props.view.state === 'failed' ? 'bad' : 'warn'}
          role="alert"
          title={t('follow.lastError')}
        >
          <p class="server-words">{error().message}</p>
          <Show when={error().detail}>
            {(detail) => (
              <p>
                <b>{t('run.detail')}:</b> {detail()}
              </p>
            )}
          </Show>
          <Show when={error().hint}>
            {(hint) => (
              <p>
                <b>{t('run.hint')}:</b> {hint()}
              </p>
            )}
          </Show>
        </Notice>
      )}
    </Show>
  )
}
