// What of the source is migrated: the tree of its objects, beside it the details of one, below both what is selected.
import './selection.css'
import { createEffect, createMemo, createSignal, Match, Show, Switch } from 'solid-js'
import { bytesText, rowsText, t } from '../../i18n/index.ts'
import { Notice, Problem } from '../../parts/notice.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { StepFoot } from '../../parts/step-foot.tsx'
import { isEmptyEnd, toConn } from '../../state/connection-url.ts'
import { draft, given, rules, selectInTree } from '../../state/draft.ts'
import { goBack, goOn } from '../../state/journey.ts'
import { isNothing } from '../../state/selection.ts'
import { readSource, source, sourceTree } from '../../state/source.ts'
import { type Leaf, selectedSize, type Tree } from '../../state/tree.ts'
import { Details } from './details.tsx'
import { ObjectTree } from './object-tree.tsx'
import { selectionText, UnusedSelection } from './unused.tsx'

export function SelectionStep() {
  const read = (again = false) => void readSource(toConn(draft.source), { again })
  createEffect(() => {
    if (!isEmptyEnd(draft.source)) read()
  })
  return (
    <section class="step choose-step">
      <header class="step-head with-action">
        <h1>{t('selection.title')}</h1>
        <Show when={!isEmptyEnd(draft.source)}>
          <button type="button" class="small" disabled={source.reading()} onClick={() => read(true)}>
            {t('selection.reload')}
          </button>
        </Show>
      </header>
      <UnusedSelection />
      <Switch>
        <Match when={isEmptyEnd(draft.source)}>
          <div class="empty">
            <p>{t('selection.needSource')}</p>
            <PageLink to="/#connections">{t('steps.connections')}</PageLink>
          </div>
        </Match>
        <Match when={source.problem()}>
          {(problem) => <Problem of={problem()} onRetry={() => read(true)} />}
        </Match>
        <Match when={sourceTree().tree}>{(tree) => <Chooser tree={tree()} />}</Match>
        <Match when={true}>
          <div class="empty" role="status">
            <span class="spinner" aria-hidden="true" />
            {t('selection.reading')}
          </div>
        </Match>
      </Switch>
    </section>
  )
}

function Chooser(props: { tree: Tree }) {
  const [chosenKey, setChosenKey] = createSignal<string>()
  const [jump, setJump] = createSignal<Leaf>()
  let panes: HTMLDivElement | undefined
  // After the source has been read again, the same object of the new tree.
  const chosen = createMemo(() => {
    const key = chosenKey()
    return key === undefined ? undefined : props.tree.byKey.get(key)
  })
  function back() {
    setChosenKey(undefined)
    panes?.querySelector<HTMLElement>('[role=tree]')?.focus()
  }
  return (
    <>
      <Show when={given()}>
        <Notice tone="info" role="status">
          <p>{t('selection.given', { names: selectionText(given()) })}</p>
          <button type="button" onClick={selectInTree}>
            {t('selection.givenClear')}
          </button>
        </Notice>
      </Show>
      <Show
        when={props.tree.schemas.length > 0}
        fallback={
          <div class="empty">
            <p>{t('selection.empty')}</p>
          </div>
        }
      >
        <div class="chooser" classList={{ 'has-details': chosen() !== undefined }} ref={panes}>
          <div class="tree-pane">
            <ObjectTree
              tree={props.tree}
              jump={jump()}
              chosen={chosenKey()}
              onChoose={({ key }) => setChosenKey(key)}
            />
          </div>
          <Details
            leaf={chosen()}
            tree={props.tree}
            onBack={back}
            onJump={(leaf) => {
              setChosenKey(leaf.key)
              setJump(leaf)
            }}
          />
        </div>
      </Show>
      <FootBar tree={props.tree} />
    </>
  )
}

function FootBar(props: { tree: Tree }) {
  const narrowed = () => rules().filter(({ where }) => where !== undefined).length
  const size = createMemo(() => selectedSize(props.tree, sourceTree().selected))
  const nothing = createMemo(() => !given() && isNothing(props.tree, sourceTree().selected))
  const isPartly = createMemo(
    () => sourceTree().selected.size < props.tree.leaves.length && props.tree.leaves.length > 0 && !nothing(),
  )
  return (
    <StepFoot
      missing={nothing() ? t('selection.nothingSelected') : undefined}
      note={
        <>
          <span class="foot-sum numbers">
            {t('selection.summary', {
              tables: rowsText(size().tables),
              rows: rowsText(size().rows),
              bytes: bytesText(size().bytes),
            })}
            <Show when={narrowed() > 0}>
              {' · '}
              {t('selection.narrowed', { count: rowsText(narrowed()) })}
            </Show>
          </span>
          <Show when={isPartly()}>
            <span class="foot-note">{t('selection.partly')}</span>
          </Show>
        </>
      }
      onBack={() => goBack('selection')}
      onNext={() => goOn('selection')}
    />
  )
}
