// Errors, failed tables, late writes and warnings of a followed database.
import { Show } from 'solid-js'
import type { FollowView } from '../../shared/follow-view.ts'
import { enoughChanges } from '../../shared/late-writes.ts'
import { describeStorageFailure } from '../../shared/storage-failure.ts'
import { showName } from '../../shared/table-name.ts'
import { dateText, inLanguage, rowsText, t } from '../i18n/index.ts'
import { Cut } from '../parts/cut.tsx'
import { ErrorText } from '../parts/error-text.tsx'
import { FailedTables } from '../parts/failed-tables.tsx'
import { Notice } from '../parts/notice.tsx'
import { hasProcess } from '../state/follows.ts'
import { RecopyButton } from './recopy.tsx'

export function TablesNotFollowed(props: { view: FollowView }) {
  const failed = () => props.view.failed_tables
  return (
    <FailedTables
      tables={failed()}
      title={t('follow.failedTables', { count: rowsText(failed().length) })}
      lead={t('follow.failedTablesLead')}
    >
      <RecopyButton view={props.view} />
    </FailedTables>
  )
}

export function FollowWarnings(props: { view: FollowView }) {
  const warnings = () => {
    const { stage, storage_failure: failure, warnings } = props.view
    return [...(failure ? [describeStorageFailure(failure)] : []), ...(stage === 'done' ? [] : warnings)]
  }
  return (
    <Show when={warnings().length > 0}>
      <Notice tone="warn" role="group" title={t('follow.warnings', { count: rowsText(warnings().length) })}>
        <Cut list={warnings()} each={(text) => <li>{inLanguage(text)}</li>} />
      </Notice>
    </Show>
  )
}

/** Changes that only the old primary has. */
export function LateWrites(props: { view: FollowView }) {
  const watch = () => props.view.watch
  return (
    <>
      <Show when={props.view.late_writes}>
        {(late) => (
          <>
            <Show when={late().transactions > 0}>
              <Notice
                tone="bad"
                role="alert"
                title={t('follow.late.title', {
                  count: `${late().changes >= enoughChanges ? '≥ ' : ''}${rowsText(late().changes)}`,
                })}
              >
                <p>{t('follow.late.lead', { place: late().place })}</p>
                <Cut
                  list={late().tables}
                  each={(table) => (
                    <li>
                      {t('follow.late.table', { table: showName(table), count: rowsText(table.changes) })}
                    </li>
                  )}
                />
              </Notice>
            </Show>
            <Show when={late().objects.length > 0}>
              <Notice tone="bad" role="alert" title={t('follow.late.titleObjects')}>
                <Cut list={late().objects} each={(words) => <li>{inLanguage(words)}</li>} />
              </Notice>
            </Show>
          </>
        )}
      </Show>
      <Show when={watch()?.trouble}>
        {(trouble) => (
          <Notice tone="bad" role="alert" title={t('follow.late.unknown')}>
            <p class="server-words">{inLanguage(trouble())}</p>
          </Notice>
        )}
      </Show>
      <Show when={hasProcess(props.view) && watch()}>
        {(known) => (
          <Notice tone="info">
            {known().until === undefined
              ? t('follow.late.watchedBack', { place: known().place })
              : t('follow.late.watched', {
                  place: known().place,
                  until: dateText(new Date(known().until ?? 0).toISOString()),
                })}
          </Notice>
        )}
      </Show>
    </>
  )
}

/** The error that stopped it or makes it wait. Conflicts have a card of their own. */
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
          <ErrorText error={error()} />
        </Notice>
      )}
    </Show>
  )
}
