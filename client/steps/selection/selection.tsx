import './selection.css'
import { createEffect, createMemo, createSignal, Match, Show, Switch } from 'solid-js'
import { bytesText, rowsText, t } from '../../i18n/index.ts'
import { Notice, Problem } from '../../parts/notice.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { isEmptyEnd, toConn } from '../../state/connection-url.ts'
import { draft, given, rules, selectInTree } from '../../state/draft.ts'
import { goToStep } from '../../state/route.ts'
import { isNothing } from '../../state/selection.ts'
import { readSource, source, sourceTree } from '../../state/source.ts'
import { type Leaf, selectedSize, type Tree } from '../../state/tree.ts'
import { Details } from './details.tsx'
import { Missing } from './missing.tsx'
import { ObjectTree } from './object-tree.tsx'
import { selectionText, UnusedSelection } from './unused.tsx'

export function SelectionStep() {
  const read = (again = false) => void readSource(toConn(draft.source), { again })
  createEffect(() => {
    if (!isEmptyEnd(draft.source)) read()
  })
  return (
    <section class="step">
      <header class="step-head with-action">
        <h1>{t('selection.title')}</h1>
        <Show when={!isEmptyEnd(draft.source)}>
          <button type="button" disabled={source.reading()} onClick={() => read(true)}>
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
  const [chosen, setChosen] = createSignal<Leaf>()
  const narrowed = () => rules().filter(({ where }) => where !== undefined).length
  const size = createMemo(() => selectedSize(props.tree, sourceTree().selected))
  const nothing = createMemo(() => !given() && isNothing(props.tree, sourceTree().selected))
  const isPartly = createMemo(
    () => sourceTree().selected.size < props.tree.leaves.length && props.tree.leaves.length > 0 && !nothing(),
  )
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
        <div class="chooser">
          <div class="panel tree-panel">
            <ObjectTree tree={props.tree} onChoose={setChosen} chosen={chosen()?.key} />
            <p class="tree-foot numbers" role="status">
              {nothing()
                ? t('selection.nothingSelected')
                : t('selection.summary', {
                    tables: rowsText(size().tables),
                    rows: rowsText(size().rows),
                    bytes: bytesText(size().bytes),
                  })}
              <Show when={narrowed() > 0}>
                {' · '}
                {t('selection.narrowed', { count: rowsText(narrowed()) })}
              </Show>
            </p>
          </div>
          <div class="beside">
            <Missing tree={props.tree} />
            <Details leaf={chosen()} />
          </div>
        </div>
      </Show>
      <Show when={isPartly()}>
        <p class="quiet">{t('selection.partly')}</p>
      </Show>
      <div class="actions between">
        <button type="button" onClick={() => goToStep('connections')}>
          <span aria-hidden="true">←</span> {t('app.back')}
        </button>
        <button type="button" class="primary" disabled={nothing()} onClick={() => goToStep('options')}>
          {t('app.next')} <span aria-hidden="true">→</span>
        </button>
      </div>
    </>
  )
}
