// The result of a comparison of schemas: differences, the selected one in full, and the statements that will run.
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { SchemaChange, SchemaResult } from '../../shared/comparison-api.ts'
import { showName } from '../../shared/table-name.ts'
import { rowsText, t } from '../i18n/index.ts'
import { Confirm } from '../parts/confirm.tsx'
import { CopyButton } from '../parts/copy-button.tsx'
import { Disclosure } from '../parts/disclosure.tsx'
import { Notice } from '../parts/notice.tsx'
import { Section } from '../parts/section.tsx'
import { Names } from './names.tsx'

const isSafe = ({ sql, destroys }: SchemaChange) => sql.length > 0 && destroys.length === 0

export function ChangesResult(props: {
  schema: SchemaResult
  destination: string
  onApply: (confirmed: string[]) => void
}) {
  const changes = () => props.schema.differences
  const safe = () =>
    new Set(
      changes()
        .filter(isSafe)
        .map(({ id }) => id),
    )
  const [checked, setChecked] = createSignal<ReadonlySet<string>>(safe())
  const [chosen, setChosen] = createSignal(changes()[0]?.id)
  const list = createMemo(() =>
    changes().map((change) => ({
      key: change.id,
      name: nameOf(change),
      kind: change.kind,
      status: change.status,
      about: '',
      change,
    })),
  )
  const current = () => changes().find(({ id }) => id === chosen())
  const check = (id: string, on: boolean) => {
    const next = new Set(checked())
    if (on) next.add(id)
    else next.delete(id)
    setChecked(next)
  }
  return (
    <>
      <Show when={props.schema.unreadable.length > 0}>
        <Notice tone="warn">
          <p>{t('compare.unreadable', { names: props.schema.unreadable.join(', ') })}</p>
        </Notice>
      </Show>
      <p class="quiet">
        {t('compare.compared')}: <span class="numbers">{rowsText(props.schema.compared)}</span>
      </p>
      <Show when={props.schema.normalised.length > 0}>
        <Disclosure summary={t('compare.normalised')}>
          <ul>
            <For each={props.schema.normalised}>{(why) => <li lang="en">{why}</li>}</For>
          </ul>
        </Disclosure>
      </Show>
      <Show when={changes().length > 0}>
        <Section
          title={t('compare.differences')}
          count={rowsText(changes().length)}
          aside={
            <>
              <button type="button" class="small" onClick={() => setChecked(safe())}>
                {t('compare.chooseSafe')}
              </button>
              <button type="button" class="small" onClick={() => setChecked(new Set<string>())}>
                {t('compare.chooseNone')}
              </button>
            </>
          }
        >
          <Names
            list={list()}
            chosen={chosen()}
            onChoose={setChosen}
            before={({ change, name }) => (
              <input
                type="checkbox"
                aria-label={t('compare.check', { name: `${change.kind} ${name}` })}
                checked={checked().has(change.id)}
                disabled={change.sql.length === 0}
                onChange={(event) => check(change.id, event.currentTarget.checked)}
              />
            )}
          />
        </Section>
        <Show when={current()} keyed>
          {(change) => <ChangeDetail change={change} />}
        </Show>
        <Statements
          changes={changes().filter(({ id }) => checked().has(id))}
          destination={props.destination}
          onApply={() => props.onApply([...checked()])}
        />
      </Show>
    </>
  )
}

function ChangeDetail(props: { change: SchemaChange }) {
  return (
    <Section title={t('compare.definition', { name: nameOf(props.change) })}>
      <p class="quiet">{t('compare.legend')}</p>
      <section class="compare-diff mono" tabindex="0" aria-label={t('compare.lines')}>
        <For each={props.change.difference}>
          {(line) => <div class={markOf(line)}>{line.replace(/^-/, '−')}</div>}
        </For>
      </section>
      <Show
        when={props.change.sql.length > 0}
        fallback={<p>{t(`compare.byHand.${props.change.by_hand ?? 'unsupported'}`)}</p>}
      >
        <Destroyed changes={[props.change]} />
        <Disclosure summary={t('compare.sql')} open>
          <pre class="compare-sql" tabindex="0">
            {sqlOf([props.change])}
          </pre>
        </Disclosure>
      </Show>
    </Section>
  )
}

function Statements(props: { changes: readonly SchemaChange[]; destination: string; onApply: () => void }) {
  const [isAsking, setIsAsking] = createSignal(false)
  const count = () => rowsText(props.changes.length)
  return (
    <Section
      title={t('compare.plan')}
      count={count()}
      aside={<CopyButton text={sqlOf(props.changes)} label={t('app.copy')} />}
    >
      <Show when={props.changes.length > 0} fallback={<p class="quiet">{t('compare.planNone')}</p>}>
        <p class="quiet">{t('compare.planLead')}</p>
        <Destroyed changes={props.changes} />
        <pre class="compare-sql" tabindex="0">
          {sqlOf(props.changes)}
        </pre>
        <div class="actions">
          <button type="button" class="danger" onClick={() => setIsAsking(true)}>
            {t('compare.apply', { count: count() })}
          </button>
        </div>
      </Show>
      <Confirm
        open={isAsking()}
        title={t('compare.confirmTitle', { database: props.destination })}
        yes={t('compare.confirmYes')}
        no={t('app.cancel')}
        onClose={() => setIsAsking(false)}
        onYes={() => {
          setIsAsking(false)
          props.onApply()
        }}
      >
        <p>{t('compare.confirmText', { count: count() })}</p>
        <Destroyed changes={props.changes} />
      </Confirm>
    </Section>
  )
}

function Destroyed(props: { changes: readonly SchemaChange[] }) {
  const all = () => props.changes.flatMap(({ destroys }) => destroys)
  return (
    <Show when={all().length > 0}>
      <Notice tone="bad" title={t('compare.destroyed')}>
        <ul class="compare-destroyed">
          <For each={all()}>
            {({ what, kind, name }) => <li>{t(`compare.destroys.${what}`, { kind, name })}</li>}
          </For>
        </ul>
      </Notice>
    </Show>
  )
}

function nameOf(change: SchemaChange): string {
  return change.schema === undefined ? change.name : showName({ schema: change.schema, name: change.name })
}

function sqlOf(changes: readonly SchemaChange[]): string {
  return changes
    .map(({ kind, sql, ...change }) => {
      const heading = `-- ${kind} ${nameOf({ kind, sql, ...change }).replace(/\s+/g, ' ')}`
      return [heading, ...sql.map((statement) => `${statement};`)].join('\n')
    })
    .join('\n\n')
}

function markOf(line: string): string {
  return line.startsWith('@@')
    ? 'place'
    : line.startsWith('-')
      ? 'source'
      : line.startsWith('+')
        ? 'destination'
        : ''
}
