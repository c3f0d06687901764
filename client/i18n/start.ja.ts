import type { Words } from './en.ts'
import type { shortcutsEn, startEn } from './start.en.ts'

export const startJa: Words<typeof startEn> = {
  title: '何をしますか？',
  lead: '移行元は読み取るだけです。移行先では、名前を確認して承認したもの以外、削除したり空にしたりしません。',
  choices: '選択肢',
  purpose: {
    copy: '一度だけコピーする',
    sync: 'コピーし、切り替えまで同期を続ける',
    compare: '2 つのデータベースを比較する',
    schema: 'スキーマを同期する',
    refresh: '決まった時刻にコピーし直す',
  },
  about: {
    copy: '選んだオブジェクトと行を、ある一時点の状態でコピーします。その後の変更はコピーしません。',
    sync: 'コピーした後、アプリケーションを切り替えるまで変更をすべて反映し続けます。移行元は使い続けられます。',
    compare: '両方のデータベースを読み、異なるテーブルと行をすべて示します。何も書き込みません。',
    schema: '定義の違いを示し、選んだ SQL を移行先で実行します。',
    refresh: '決めた時刻にコピーを繰り返します。たとえば、毎晩新しくするテスト用データベースに使えます。',
  },
  now: '現在',
  running: '実行中の移行があります',
  lastRun: '前回の実行',
  draft: 'まだ開始していない移行',
  draftOpen: '接続の設定に戻る',
  followed: '追従中',
  fleet: 'この pgtrek は一括移行を実行しています',
  toSchedule: 'スケジュールを設定…',
  profiles: 'プロファイル',
  profilesMore: 'すべてのプロファイル',
  nothing: '実行中のものはありません。',
  nothingLead: '先にすべて準備できます。計画を確認して開始するまで、何も書き込みません。',
}

export const shortcutsJa: Words<typeof shortcutsEn> = {
  title: 'キーボードショートカット',
  open: 'キーボードショートカット',
  on: '1 つのキーのショートカット',
  onHelp: '音声で入力する場合は、オフにしてください。',
  chord: '続けて',
  sheet: 'この一覧を表示',
  search: 'このページ内を検索',
  next: '次のステップ、または開始',
  start: '開始ページ',
  run: '実行',
  follow: '追従',
  history: '履歴',
}
