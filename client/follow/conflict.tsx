// A change that could not be applied, and the three decisions about it, each with its effect.
import { createSignal, For, Show } from 'solid-js'
import type { FollowConflict } from '../../shared/follow.ts'
import { showName } from '../../shared/table-name.ts'
import { api } from '../api/calls.ts'
import { dateText, inLanguage, t } from '../i18n/index.ts'
import { Confirm } from '../parts/confirm.tsx'
import { DetailAndHint } from '../parts/error-text.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import { createRequest } from './request.ts'

type Way = 'retry' | 'skip' | 'apply-schema'

export function ConflictCard(props: { name: string; conflict: FollowConflict }) {
  const { busy, problem, send } = createRequest()
  const [asked, choose] = createSignal<Way>()
  /** The position of the conflict when the question was asked. */
  const [seen, setSeen] = createSignal('')
  const setAsked = (way: Way | undefined) => {
    if (way) setSeen(props.conflict.lsn)
    choose(way)
  }
  /** Those that the message does not contain. */
  const problems = () => props.conflict.problems.filter((text) => !props.conflict.message.includes(text))
  const table = () => (props.conflict.table ? showName(props.conflict.table) : '')
  function decide() {
    const [way, { name, lsn }] = [asked(), { name: props.name, lsn: seen() }]
    setAsked(undefined)
    if (way === 'retry') void send(() => api.steer(way, name))
    else if (way) void send(() => api.decide(way, { name, lsn }))
  }
  return (
    <>
      <Notice tone="bad" role="group" title={<span role="alert">{t('follow.conflict.title')}</span>}>
        <p>{t('follow.conflict.lead')}</p>
        <p>
          <b>{t(`follow.conflict.statement.${props.conflict.statement}`, { table: table() })}</b>
          <br />
          <span class="quiet">
            {t('follow.conflict.transaction', {
              xid: props.conflict.xid,
              at: dateText(props.conflict.committedAt),
              lsn: props.conflict.lsn,
            })}
          </span>
        </p>
        <p class="server-words">{inLanguage(props.conflict.message)}</p>
        <DetailAndHint error={props.conflict.error} />
        <Show when={problems().length > 0}>
          <ul class="reasons">
            <For each={problems()}>{(text) => <li>{inLanguage(text)}</li>}</For>
          </ul>
        </Show>
        <Show when={props.conflict.key}>{(key) => <KeyOf values={key()} />}</Show>
        <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
        <div class="actions">
          <button type="button" class="primary" disabled={busy()} onClick={() => setAsked('retry')}>
            {t('follow.conflict.retry')}
          </button>
          <Show when={mayBeSchema(props.conflict)}>
            <button type="button" disabled={busy()} onClick={() => setAsked('apply-schema')}>
              {t('follow.conflict.apply')}
            </button>
          </Show>
          <button type="button" class="danger" disabled={busy()} onClick={() => setAsked('skip')}>
            {t('follow.conflict.skip')}
          </button>
        </div>
      </Notice>
      <Question way={asked()} xid={props.conflict.xid} onYes={decide} onClose={() => setAsked(undefined)} />
    </>
  )
}

/** An error of the destination's server concerns rows, unless a column or the table is missing there. */
function mayBeSchema({ error }: FollowConflict): boolean {
  return error === undefined || ['42703', '42P01'].includes(error.sqlstate ?? '')
}

function Question(props: { way: Way | undefined; xid: number; onYes: () => void; onClose: () => void }) {
  // Also correct while the dialog closes.
  const words = () => {
    if (props.way === 'skip') {
      return {
        title: t('follow.conflict.skipTitle'),
        lead: t('follow.conflict.skipLead', { xid: props.xid }),
        yes: t('follow.conflict.skipYes'),
      }
    }
    if (props.way === 'apply-schema') {
      return {
        title: t('follow.conflict.applyTitle'),
        lead: t('follow.conflict.applyLead'),
        yes: t('follow.conflict.applyYes'),
      }
    }
    return {
      title: t('follow.conflict.retryTitle'),
      lead: t('follow.conflict.retryLead'),
      yes: t('follow.conflict.retry'),
    }
  }
  return (
    <Confirm
      open={props.way !== undefined}
      title={words().title}
      yes={words().yes}
      no={t('follow.actions.no')}
      onYes={props.onYes}
      onClose={props.onClose}
    >
      {words().lead}
    </Confirm>
  )
}

function KeyOf(props: { values: Record<string, string | null> }) {
  return (
    <dl class="facts" aria-label={t('follow.conflict.row')}>
      <For each={Object.entries(props.values)}>
        {([column, value]) => (
          <div>
            <dt>{column}</dt>
            <dd class="mono">{value ?? 'NULL'}</dd>
          </div>
        )}
      </For>
    </dl>
  )
}
