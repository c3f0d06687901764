import type { FollowView } from '../../shared/follow-view.ts'
import { showName } from '../../shared/table-name.ts'
import { dateText, durationText, rowsText, t } from '../i18n/index.ts'

export function Facts(props: { view: FollowView }) {
  const at = (time: number) => dateText(new Date(time).toISOString())
  const sequences = () => {
    const { total, refreshed_at } = props.view.sequences
    return refreshed_at === undefined
      ? rowsText(total)
      : t('follow.facts.sequencesAt', { count: rowsText(total), at: at(refreshed_at) })
  }
  const largeObjects = () => {
    const { total, changed } = props.view.large_objects
    return changed === undefined
      ? rowsText(total)
      : t('follow.facts.largeObjectsChanged', { count: rowsText(total), changed: rowsText(changed) })
  }
  const verification = () => {
    const { verification } = props.view
    if (!verification) return t('follow.facts.notCompared')
    const { checked, tables, changed_rows, whole_tables, window_seconds, running, note } = verification
    return [
      t('follow.facts.comparedText', { checked: rowsText(checked), tables: rowsText(tables) }),
      ...(running ? [t('follow.facts.comparing', { table: showName(running) })] : []),
      t('follow.facts.comparedLeft', { tables: rowsText(whole_tables), keys: rowsText(changed_rows) }),
      ...(window_seconds === undefined
        ? []
        : [t('follow.facts.comparedWindow', { time: durationText(window_seconds) })]),
      ...(note ? [note] : []),
    ].join(' ')
  }
  const facts = () => [
    { name: t('follow.facts.started'), text: at(props.view.started_at) },
    { name: t('follow.facts.tables'), text: rowsText(props.view.tables) },
    { name: t('follow.facts.sequences'), text: sequences() },
    { name: t('follow.facts.largeObjects'), text: largeObjects() },
    { name: t('follow.facts.compared'), text: verification() },
  ]
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">{t('follow.facts.title')}</h2>
      <dl class="facts wide">
        {facts().map(({ name, text }) => (
          <div>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
