import type { Words } from './en.ts'
import type { optionsEn } from './options.en.ts'

export const optionsJa: Words<typeof optionsEn> = {
  title: 'オプション',
  groups: {
    first: 'よく使うもの',
    existing: '外部キー、トリガー、バッチ',
    run: '失敗と再開',
    speed: '速度',
    along: '移行するもの',
  },
  each: {
    existingTableMode: {
      label: '既存テーブルの扱い',
      help: '移行先に既にあるオブジェクトを、そのまま使うか、DROP して作り直すかを決めます。',
    },
    existingDataMode: {
      label: '既存データの扱い',
      help: '移行先のテーブルに既にある行を、先に削除するか、残して追記するか、キーで統合するかを決めます。',
    },
    batchSize: {
      label: 'バッチサイズ',
      help: '追記と UPSERT で一度にまとめて処理する行数です。通常のコピーでは使いません。',
    },
    workers: {
      label: '並行ワーカー数',
      help: '同時にコピーするテーブル（大きいテーブルはその一部）の数です。0 なら自動で決めます。',
    },
    disableFk: {
      label: '外部キーをコピー中は無効化する',
      help: '移行先にある外部キーを行のコピー中は無効にし、終わったら元に戻して検証します。',
    },
    dryRun: {
      label: 'ドライラン',
      help: '計画だけを作って終わります。実際には書き込まず、計画が結果になります。',
    },
    disableTriggers: {
      label: 'トリガーをコピー中は無効化する',
      help: '移行先にあるトリガーは、コピーした行に対して動きません。',
    },
    schemaOnly: { label: '構造のみ', help: 'オブジェクトだけを作り、行とシーケンスの値はコピーしません。' },
    dataOnly: {
      label: 'データのみ',
      help: '既にあるテーブルへ行とシーケンスの値をコピーし、何も作成しません。',
    },
    failFast: {
      label: '最初の失敗で止める',
      help: '無効なら、失敗したものに依存しない処理はすべて続行します。',
    },
    verify: { label: '最後に照合する', help: '終了時に両方のデータベースの行を読み直して比較します。' },
    skipPreflight: {
      label: '事前チェックを省く',
      help: '事前チェックをせずに始めます。要対処の項目があっても止まりません。',
    },
    resume: {
      label: '前回の続きから',
      help: '同じデータベース間で完了しなかった前回の移行を引き継ぎます。終わった分はやり直しません。',
    },
    indexWorkers: {
      label: 'インデックスの並行数',
      help: '同時に作成するインデックスの数です。0 なら自動で決めます。',
    },
    splitBytes: {
      label: '分割コピーするサイズ（バイト）',
      help: 'これより大きいテーブルは、いくつかに分けて同時にコピーします。0 なら自動で決めます。',
    },
    maxBytesPerSecond: {
      label: '速度の上限（バイト／秒）',
      help: '移行元から読む速度を抑え、ほかの利用者への影響を小さくします。0 なら制限しません。',
    },
    maintenanceWorkMemKb: {
      label: 'インデックス作成用メモリ（kB）',
      help: '移行先がインデックスを一つ作るのに使えるメモリです。0 なら自動で決めます。',
    },
    parallelMaintenanceWorkers: {
      label: 'インデックス作成の補助プロセス数',
      help: '移行先でインデックス作成を手伝うプロセスの数です。-1 なら移行先の設定に従います。',
    },
    owner: {
      label: '所有者',
      help: 'オブジェクトの所有者を移行元と同じロールにします。無効なら接続ユーザーのものになります。',
    },
    acl: { label: '権限', help: '移行元と同じ権限をロールに与えます。' },
    comments: { label: 'コメント', help: 'オブジェクトのコメントも移行します。' },
    tablespaces: {
      label: 'テーブル空間',
      help: '同じ名前のテーブル空間に置きます。無効なら既定のテーブル空間に置きます。',
    },
    publications: { label: 'パブリケーション', help: '論理レプリケーションのパブリケーションを作成します。' },
    securityLabels: {
      label: 'セキュリティラベル',
      help: 'セキュリティラベルも移行します。移行先にプロバイダーが読み込まれている必要があります。',
    },
    analyze: {
      label: '統計情報を収集する',
      help: 'テーブルが完成するたびに ANALYZE を実行し、最初のクエリから適切な計画になるようにします。',
    },
    skipExtensions: {
      label: '作成しない拡張機能',
      help: 'コンマ区切りで指定します。移行先に既にあれば、それを使います。',
    },
  },
  choices: {
    keep: '既存をそのまま使う (CREATE IF NOT EXISTS)',
    drop: 'DROP して再作成',
    truncate: 'TRUNCATE 後に INSERT',
    append: '既存データに追記 (INSERT)',
    upsert: 'UPSERT (ON CONFLICT DO UPDATE)',
  },
  automatic: '自動',
  numberWrong: '{{minimum}} から {{maximum}} までの整数を入力してください。',
  numberWrongLeast: '{{minimum}} 以上の整数を入力してください。',
  plan: '計画',
  planning: '両方のデータベースを読み取っています…',
  planFresh: '最新',
  planWait: '両方のデータベースを指定すると、ここに計画が表示されます。',
  planFailed: '計画を作れませんでした',
  creates: '実行される処理',
  steps: '{{count}} ステップ',
  planTables: '{{count}} テーブル、約 {{rows}} 行、{{bytes}}',
  planWorkers: 'コピーワーカー {{workers}}、インデックスワーカー {{indexWorkers}}',
  skipped: '実行できない、または除外されるもの {{count}} 件',
  destroyed: '移行先で DROP または TRUNCATE されるもの',
  destroyedNothing: '移行先で DROP または TRUNCATE されるものはありません。',
  dropped: 'DROP',
  truncated: 'TRUNCATE',
  confirm: '一覧を確認しました。{{database}} でこれらを DROP または TRUNCATE します。',
  confirmFirst: '先に、DROP または TRUNCATE されるものを確認してください。',
  warnings: '警告 {{count}} 件',
  noWarnings: '警告はありません。',
  start: '移行開始',
  startDry: 'ドライラン開始',
  starting: '開始しています…',
  busy: '別の移行が実行中です。',
  tableList: '計画に含まれるテーブル',
  all: '{{count}} 件すべて表示',
  reset: '既定値に戻す',
}
