import { compareJa } from './compare.ja.ts'
import { connectionsJa } from './connections.ja.ts'
import type { Words } from './en.ts'
import { fleetJa } from './fleet.ja.ts'
import { followJa } from './follow.ja.ts'
import { historyJa } from './history.ja.ts'
import { optionsJa } from './options.ja.ts'
import { planJa } from './plan.ja.ts'
import { preflightJa } from './preflight.ja.ts'
import { repairJa } from './repair.ja.ts'
import { runJa } from './run.ja.ts'
import { schedulesJa } from './schedules.ja.ts'
import { selectionJa } from './selection.ja.ts'
import { shortcutsJa, startJa } from './start.ja.ts'

export const ja: Words = {
  app: {
    title: 'pgtrek',
    claim: 'PostgreSQL から PostgreSQL へ',
    skip: '本文へ移動',
    steps: 'ステップ',
    pages: 'ページ',
    start: '開始',
    migrate: '移行',
    follow: '追従',
    compare: '比較',
    schema: 'スキーマの同期',
    fleet: '一括移行',
    history: '履歴',
    schedules: 'スケジュール',
    help: 'ヘルプ',
    language: '言語',
    theme: '配色',
    themeAuto: '自動',
    themeLight: 'ライト',
    themeDark: 'ダーク',
    close: '閉じる',
    back: '戻る',
    next: '次へ',
    retry: '再試行',
    loading: '読み込み中…',
    partNotLoaded:
      'ページのこの部分を読み込めませんでした。ページを再読み込みしてください。入力した内容は、パスワードを除いて残ります。',
    reload: 'ページを再読み込み',
    search: '検索',
    clear: '消去',
    remove: '削除',
    save: '保存',
    cancel: 'キャンセル',
    none: 'なし',
    yes: 'はい',
    no: 'いいえ',
    notFound: 'このページはありません。',
    lost: 'pgtrek に接続できません。表示が古い可能性があります。再接続しています…',
    unreachable: 'pgtrek が応答しません。起動した場所でまだ動いていますか？',
    unexpected: 'pgtrek の応答を解釈できませんでした (HTTP {{status}})。',
    login: 'この pgtrek を使うにはトークンが必要です。',
    loginGo: 'ログイン',
    copy: 'コピー',
    copied: 'コピーしました',
    notCopied: 'このブラウザーではコピーできません。選択して手動でコピーしてください。',
  },
  start: startJa,
  shortcuts: shortcutsJa,
  steps: {
    connections: '接続設定',
    selection: '移行対象選択',
    plan: '計画',
    run: '実行・進捗',
    compare: '相違点',
    schema: '相違点',
    follow: '追従',
    schedules: 'スケジュール',
  },
  connections: connectionsJa,
  kinds: {
    tables: 'テーブル',
    views: 'ビュー',
    materializedViews: 'マテリアライズドビュー',
    functions: '関数',
    sequences: 'シーケンス',
    triggers: 'トリガー',
    types: 'データ型',
  },
  selection: selectionJa,
  history: historyJa,
  help: {
    title: 'ヘルプ',
    options: '各オプションの意味',
    contents: 'このページの内容',
    byDefault: '既定値',
  },
  options: optionsJa,
  plan: planJa,
  preflight: preflightJa,
  repair: repairJa,
  run: runJa,
  follow: followJa,
  fleet: fleetJa,
  compare: compareJa,
  schedules: schedulesJa,
}
