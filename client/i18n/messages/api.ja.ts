// The server's messages about requests of the page.
import type { Messages } from '../messages.ts'

export const apiMessages: Messages = {
  'no migration has the id "{}"': 'ID が "{0}" の移行はありません',
  'migration {} is running': '移行 {0} は実行中です',
  'migration {} is running: wait for it, or cancel it':
    '移行 {0} が実行中です。終わるのを待つか、中断してください',
  'migration {} was a dry run: there is nothing to continue':
    '移行 {0} はドライランでした。再開するものはありません',
  'migration {} is complete: nothing is left to do': '移行 {0} は完了しています。残りの作業はありません',
  'a migration is running: wait for it, or cancel it': '移行が実行中です。終わるのを待つか、中断してください',
  'the {} was {}, but {} was given': '{0}は {1} でしたが、{2} が指定されました',
  '/{} must be a whole number from {} to {}': '/{0} は {1} から {2} までの整数でなければなりません',

  '"{}" of {} is not followed yet': '{1} の "{0}" はまだ追従していません',
  'a database needs its mapping: give "mapping" too':
    'データベースには対応付けの指定が必要です。"mapping" も指定してください',
  'mapping "{}" does not exist': '対応付け "{0}" はありません',
  '{} has no database "{}"': '{0} にデータベース "{1}" はありません',
  'no fleet runs in this process: start one with "pgtrek fleet"':
    'このプロセスで一括移行は動作していません。「pgtrek fleet」で開始してください',

  'the body must be JSON: send "Content-Type: application/json"':
    '本体は JSON でなければなりません。"Content-Type: application/json" を付けて送ってください',
  'the body is not valid JSON': '本体が正しい JSON ではありません',
  'the body is nested more than {} levels deep': '本体の入れ子が {0} 段を超えています',
  'the body has more than {} parts': '本体の要素が {0} 個を超えています',
  'the body is larger than {} bytes': '本体が {0} バイトを超えています',
  'this API needs a token: send it as "Authorization: Bearer ..."':
    'この API にはトークンが必要です。"Authorization: Bearer ..." として送ってください',
  'unknown host name: use localhost, or start pgtrek with --allow-host':
    '知らないホスト名です。localhost を使うか、--allow-host を付けて pgtrek を起動してください',
  'requests from other sites are refused': 'ほかのサイトからの要求は拒否します',
  'no profile is named "{}"': '"{0}" という名前の接続はありません',
  'table "{}"."{}" does not exist': 'テーブル "{0}"."{1}" はありません',

  'no database is followed': '追従しているデータベースはありません',
  'several moves: give the name of one ({})': '移行が複数あります。名前を一つ指定してください（{0}）',
  'no move is named "{}"; known: {}': '"{0}" という名前の移行はありません。現在あるもの：{1}',
  'no move is named "{}"': '"{0}" という名前の移行はありません',
  '{} is followed by process {}: stop that process first':
    '{0} はプロセス {1} が追従しています。先にそのプロセスを止めてください',
  '{} is followed by this pgtrek: stop it first': '{0} はこの pgtrek が追従しています。先に止めてください',
  'dryRun is not supported here: use /api/plan': 'ここでは dryRun を使えません。/api/plan を使ってください',
  'this repair is not the one that was shown any more: the databases have changed. Nothing was changed by pgtrek. Look at the choices again':
    'データベースが変わったため、この修復は表示したものと一致しません。pgtrek は何も変更していません。選択肢を確認し直してください',
  'migration {} was not started by this server: its request is unknown':
    '移行 {0} はこのサーバーが開始したものではないため、指定した内容が分かりません',
  'no profile is named "{}": save one on the page first, under Connections':
    '"{0}" という名前のプロファイルはありません。先にこのページの「接続設定」で保存してください',
  'the statements have been run on the destination, but the retry was not started, because another run has started meanwhile: retry this run when that one has ended':
    'SQL 文は移行先で実行しましたが、その間に別の実行が始まったため、再試行は開始していません。その実行が終わってから再試行してください',
  'profile "{}" is a dry run, which copies nothing: save it without that option first':
    'プロファイル "{0}" はドライランで、何もコピーしません。先にそのオプションを外して保存してください',
}
