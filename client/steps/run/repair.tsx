// What can be done about the causes of failures. The choices are read on request; statements run only after they were
// shown and confirmed.
import { createSignal, createUniqueId, For, type JSX, Show } from 'solid-js'
import type { RequestBody } from '../../../shared/api.ts'
import type { RepairCause, RepairChoice, RepairKind, Repairs } from '../../../shared/repair-api.ts'
import { api, type CallFailed } from '../../api/calls.ts'
import { t } from '../../i18n/index.ts'
import { objectText } from '../../i18n/objects.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Cut } from '../../parts/cut.tsx'
import { Problem } from '../../parts/notice.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { endsOf } from '../../state/draft.ts'
import { job } from '../../state/job.ts'

export function RepairPart(props: { children: (choices: (key: string) => JSX.Element) => JSX.Element }) {
  const [causes, setCauses] = createSignal<readonly RepairCause[]>()
  const [chosen, setChosen] = createSignal<Readonly<Record<string, RepairKind>>>({})
  const [planned, setPlanned] = createSignal<Repairs>()
  const [busy, setBusy] = createSignal(false)
  const [asking, setAsking] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  const request = () => job.overview()?.request as RequestBody | undefined
  const kindOf = (cause: RepairCause): RepairKind => chosen()[cause.key] ?? 'retry'
  const choices = () =>
    (causes() ?? []).flatMap((cause) => {
      const choice = cause.choices.find(({ kind }) => kind === kindOf(cause))
      return choice ? [{ cause: cause.key, kind: choice.kind, sql: choice.sql }] : []
    })
  const sql = () => [...new Set(choices().flatMap((one) => one.sql))]
  const changes = () => choices().some(({ kind }) => kind !== 'retry' && kind !== 'grant')

  async function call(work: (id: string, known: RequestBody) => Promise<void>) {
    const [id, known] = [job.overview()?.id, request()]
    if (typeof id !== 'string' || !known) return
    setBusy(true)
    setProblem(undefined)
    try {
      await work(id, known)
    } catch (error) {
      setProblem(error as CallFailed)
    } finally {
      setBusy(false)
    }
  }
  /** What the retry then replaces is part of what is confirmed. */
  const ask = () =>
    call(async (id, known) => {
      const chosen = choices().map(({ cause, kind }) => ({ cause, kind }))
      const answer = await api.repairs(id, { ...endsOf(known), chosen })
      setCauses(answer.causes)
      setPlanned(answer)
      setAsking(true)
    })
  const look = () =>
    call(async (id, known) => {
      setCauses((await api.repairs(id, endsOf(known))).causes)
    })
  const apply = () =>
    call(async (id, known) => {
      setAsking(false)
      await api.repair(id, {
        ...endsOf(known),
        repairs: choices(),
        confirmed: planned()?.confirmation ?? false,
      })
    })

  return (
    <>
      {props.children((key) => (
        <Show when={causes()?.find((cause) => cause.key === key)}>
          {(cause) => (
            <Choices
              cause={cause()}
              chosen={kindOf(cause())}
              onChoose={(kind) => setChosen((before) => ({ ...before, [key]: kind }))}
            />
          )}
        </Show>
      ))}
      <Show when={problem()}>
        {(error) => (
          <div>
            <Problem of={error()} />
            <p class="quiet">
              {t('repair.noPassword')} <PageLink to="/#connections">{t('steps.connections')}</PageLink>
            </p>
          </div>
        )}
      </Show>
      <Show when={request()}>
        <div class="actions">
          <Show
            when={causes()}
            fallback={
              <>
                <button type="button" disabled={busy()} onClick={() => void look()}>
                  {t(busy() ? 'repair.looking' : 'repair.look')}
                </button>
                <span class="quiet">{t('repair.lookLead')}</span>
              </>
            }
          >
            <button type="button" class="primary" disabled={busy()} onClick={() => void ask()}>
              {t(changes() ? 'repair.apply' : 'repair.applyPlain')}
            </button>
          </Show>
        </div>
      </Show>
      <Confirm
        open={asking()}
        title={t('repair.applyTitle')}
        yes={t('repair.applyYes')}
        no={t('repair.applyNo')}
        onYes={() => void apply()}
        onClose={() => setAsking(false)}
      >
        <Show when={sql().length > 0} fallback={t('repair.applyNoSql')}>
          {t('repair.applySql')}
          <Statements sql={sql()} />
        </Show>
        <p>{t('repair.applyThen')}</p>
        <Show when={planned()?.destroyed?.length}>
          <p>{t('repair.applyDestroys')}</p>
          <Cut
            list={planned()?.destroyed ?? []}
            each={(one) => (
              <li>
                {t(one.action === 'drop' ? 'options.dropped' : 'options.truncated')}{' '}
                <b>{objectText(one.kind ?? 'TABLE', one)}</b>
              </li>
            )}
          />
        </Show>
      </Confirm>
    </>
  )
}

function Choices(props: { cause: RepairCause; chosen: RepairKind; onChoose: (kind: RepairKind) => void }) {
  const name = createUniqueId()
  return (
    <fieldset class="repair-choices">
      <legend>{t('repair.choose')}</legend>
      <For each={props.cause.choices}>
        {(choice) => (
          <div class="repair-choice">
            <label>
              <input
                type="radio"
                name={name}
                checked={choice.kind === props.chosen}
                onChange={() => props.onChoose(choice.kind)}
              />
              <span>
                <b>{t(`repair.kind.${choice.kind}`)}</b>
                <span class="quiet"> {explain(choice)}</span>
              </span>
            </label>
            <Statements sql={choice.sql} />
            <Statements sql={choice.manual?.sql ?? []} />
            <Show when={choice.afterwards?.length}>
              <p class="quiet">{t('repair.afterwards')}</p>
              <Statements sql={choice.afterwards ?? []} />
            </Show>
          </div>
        )}
      </For>
    </fieldset>
  )
}

function explain({ kind, manual }: RepairChoice): string {
  const side = t(`repair.side.${manual?.side ?? 'destination'}`)
  return kind === 'grant' ? t('repair.explain.grant', { side }) : t(`repair.explain.${kind}`)
}

function Statements(props: { sql: readonly string[] }) {
  return (
    <Show when={props.sql.length > 0}>
      <pre class="statements" tabindex="0">
        {props.sql.map((statement) => `${statement};`).join('\n')}
      </pre>
    </Show>
  )
}
