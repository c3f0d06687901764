// The server's messages in the log of a run, and about names in a selection.
import type { Messages } from '../messages.ts'

export const runLogMessages: Messages = {
  'reading the catalogs': 'カタログを読み取っています',
  '{} started': '開始：{0}',
  '{} failed: {}': '失敗：{0}：{1}',
  '{} skipped: {}': 'スキップ：{0}：{1}',
  'large objects': 'ラージオブジェクト',
  'rows of {}': '{0} の行',
  'rows of {} related by foreign keys': '外部キーで関連する {0} の行',
  'it exists, but this was refused: {}': '作成しましたが、次は拒否されました：{0}',
  'planned {n} for {n}, about {} rows, {}': '計画：{0}（{1}、約 {2} 行、{3}）',
  '{}: {n} in {}': '{0}：{1}をコピー（{2}）',
  '{} built in {}': '作成完了：{0}（{1}）',
  '{} done in {}': '完了：{0}（{1}）',
  '{}: {n} left out, since these keys exist: ({}) = {}': '{0}：キーが既にあるため{1}を除外：({2}) = {3}',
  'verified: the rows of {n} are the same on both servers': '検証しました：{0}の行が両側で一致しています',
  'verified: of {n}, {} differ': '検証しました：{0}のうち {1} が異なります',
  '"{}" has more than a schema and a name: quote what contains dots':
    '"{0}" はスキーマと名前より多くの部分に分かれています。ドットを含む名前は引用符で囲んでください',
  '"{}" has a quote that is not closed': '"{0}" の引用符が閉じていません',
  '"{}" has nothing before its dot': '"{0}" のドットの前に何もありません',
  '"{}" has nothing after its dot': '"{0}" のドットの後に何もありません',
  'a name is empty': '名前が空です',
  'nothing matches "{}"': '"{0}" に一致するものがありません',
  'nothing matches "{}": did you mean {}?': '"{0}" に一致するものがありません。{1} のことですか？',
}
