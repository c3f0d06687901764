// Past runs: what each was, its outcome in words, and the difference to the run before.
import './history.css'
import { createMemo, createResource, createSignal, For, Match, Show, Switch } from 'solid-js'
import type { PastMigration } from '../../shared/api.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { bytesText, dateText, t } from '../i18n/index.ts'
import { Problem } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { SearchField } from '../parts/search-field.tsx'
import { job } from '../state/job.ts'
import { route } from '../state/route.ts'
import { Past } from './past.tsx'
import {
  differenceText,
  isIncomplete,
  type Kind,
  kindOf,
  kindText,
  resultText,
  sizeText,
  tookText,
} from './text.ts'

export function HistoryPage() {
  const id = () => {
    const now = route()
    return now.page === 'history' ? now.id : undefined
  }
  return (
    <Show when={id()} fallback={<PastList />} keyed>
      {(one) => <Past id={one} />}
    </Show>
  )
}

const kinds: readonly Kind[] = ['copy', 'refresh', 'dry']
type OutcomeChoice = 'all' | 'good' | 'bad'

interface Choice {
  search: string
  kind: Kind | 'all'
  outcome: OutcomeChoice
}

function PastList() {
  // The list is read again when a run begins or ends.
  const [list, { refetch }] = createResource(
    () => ({ id: job.overview()?.id ?? null, running: job.isRunning() }),
    () => api.migrations(),
  )
  const [choice, setChoice] = createSignal<Choice>({ search: '', kind: 'all', outcome: 'all' })
  const change = (changed: Partial<Choice>) => setChoice((before) => ({ ...before, ...changed }))
  const shown = createMemo(() => (list.error ? [] : (list.latest ?? []).filter(matcher(choice()))))
  return (
    <section class="step">
      <header class="step-head">
        <h1>{t('history.title')}</h1>
      </header>
      <Switch
        fallback={
          <p class="empty" role="status">
            <span class="spinner" aria-hidden="true" />
            {t('app.loading')}
          </p>
        }
      >
        <Match when={list.error as CallFailed | undefined}>
          {(error) => <Problem of={error()} onRetry={() => void refetch()} />}
        </Match>
        <Match when={list.latest?.length === 0}>
          <div class="empty">
            <p>{t('history.empty')}</p>
            <p class="quiet">{t('history.emptyLead')}</p>
            <PageLink to="/">{t('app.start')}</PageLink>
          </div>
        </Match>
        <Match when={list.latest}>
          <Toolbar choice={choice()} onChange={change} />
          <Show when={shown().length > 0} fallback={<p class="empty small">{t('history.noMatch')}</p>}>
            <Table list={shown()} />
          </Show>
        </Match>
      </Switch>
    </section>
  )
}

function matcher({ search, kind, outcome }: Choice): (past: PastMigration) => boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return (past) =>
    (kind === 'all' || kindOf(past) === kind) &&
    (outcome === 'all' || (outcome === 'good') === (past.status === 'completed')) &&
    words.every((word) => `${past.source} ${past.destination}`.toLowerCase().includes(word))
}

function Toolbar(props: { choice: Choice; onChange: (changed: Partial<Choice>) => void }) {
  return (
    <div class="toolbar">
      <SearchField
        label={t('history.search')}
        value={props.choice.search}
        onSearch={(search) => props.onChange({ search })}
      />
      <label class="inline">
        {t('history.kinds')}
        <select
          value={props.choice.kind}
          onChange={(event) => props.onChange({ kind: event.currentTarget.value as Kind | 'all' })}
        >
          <option value="all">{t('history.kindAll')}</option>
          <For each={kinds}>{(kind) => <option value={kind}>{t(`history.kind.${kind}`)}</option>}</For>
        </select>
      </label>
      <label class="inline">
        {t('history.outcome')}
        <select
          value={props.choice.outcome}
          onChange={(event) => props.onChange({ outcome: event.currentTarget.value as OutcomeChoice })}
        >
          <option value="all">{t('history.outcomeAll')}</option>
          <option value="good">{t('history.outcomeGood')}</option>
          <option value="bad">{t('history.outcomeBad')}</option>
        </select>
      </label>
    </div>
  )
}

function Table(props: { list: readonly PastMigration[] }) {
  return (
    <table class="history">
      <thead>
        <tr>
          <th scope="col">{t('history.started')}</th>
          <th scope="col">{t('history.what')}</th>
          <th scope="col">{t('history.ends')}</th>
          <th scope="col">{t('history.status')}</th>
          <th scope="col" class="right">
            {t('history.duration')}
          </th>
          <th scope="col" class="right">
            {t('history.size')}
          </th>
          <th scope="col">{t('history.compared')}</th>
        </tr>
      </thead>
      <tbody>
        <For each={props.list}>{(past) => <Row past={past} />}</For>
      </tbody>
    </table>
  )
}

function Row(props: { past: PastMigration }) {
  const outcomeClass = () => (isIncomplete(props.past) ? 'incomplete' : props.past.status)
  return (
    <tr class={outcomeClass()}>
      <th scope="row">
        <PageLink to={`/#history/${encodeURIComponent(props.past.id)}`}>
          {dateText(props.past.started_at)}
        </PageLink>
      </th>
      <td>{kindText(props.past)}</td>
      <td class="history-ends">
        {props.past.source} <span aria-hidden="true">→</span> {props.past.destination}
      </td>
      <td>
        <span class={`history-result status-${props.past.dry_run ? 'dry' : props.past.status}`}>
          {resultText(props.past)}
        </span>
        <span class="quiet numbers">{sizeText(props.past)}</span>
      </td>
      <td class="right numbers">{tookText(props.past)}</td>
      <td class="right numbers">{props.past.size ? bytesText(props.past.size.bytes) : ''}</td>
      <td class="quiet numbers">{differenceText(props.past)}</td>
    </tr>
  )
}
