// The server's messages about the health of a followed database.
import type { Messages } from '../messages.ts'

export const followHealthMessages: Messages = {
  'its process ended unexpectedly; the numbers are {} old':
    '処理していたプロセスが予期せず終了しました。数値は {0} 前のものです',
  'it failed: {}': '失敗しました：{0}',
  'it failed': '失敗しました',
  'a connection was lost, reconnecting: {}': '接続が切れたので接続し直しています：{0}',
  'a connection was lost, reconnecting': '接続が切れたので接続し直しています',
  '{}. Not as before: {}': '{0}。元に戻っていないもの：{1}',
  'the switchover failed at "{}": {}': '切り替えが「{0}」で失敗しました：{1}',
  'the switchover failed at "{}"': '切り替えが「{0}」で失敗しました',
  'it ended during a switchover{}: check the servers with "pgtrek status --source URL --dest URL", then recover and continue with "pgtrek follow"':
    '切り替えの途中で終了しました{0}。"pgtrek status --source URL --dest URL" でサーバーの状態を確認し、復旧してから "pgtrek follow" で続行してください',
  ', and {} may be read-only': '（{0} は読み取り専用のままの可能性があります）',
  'no status from its process for {}': '処理しているプロセスから {0} 応答がありません',
  'the slot {} on the {} is lost: {}. Changes are missing; a new copy is needed':
    '{1}のスロット {0} が失われました：{2}。変更が欠けています。コピーし直す必要があります',
  'its log is gone': 'ログが残っていません',
  'the {} is about to invalidate the slot {}, for which it keeps {} of log (max_slot_wal_keep_size)':
    '{0}がスロット {1} を破棄しようとしています。このスロットのために {2} のログを保持しています（max_slot_wal_keep_size）',
  'until "pgtrek follow" continues or "pgtrek cleanup" drops it':
    '"pgtrek follow" で続行するか "pgtrek cleanup" で削除するまで増え続けます',
  'until it is read': '読み取られるまで増え続けます',
  'no process reads the slot {}: the {} keeps {} of log for it, and more with every change, {}':
    'スロット {0} を読み取っているプロセスがありません。{1}はそのために {2} のログを保持しており、変更のたびに増えます。{3}',
  'the {} keeps {} of log on its disk for the slot {}':
    '{0}はスロット {2} のために {1} のログをディスクに保持しています',
  'the switchover did not happen, everything is as before: {}': '切り替えは行われず、すべて元の状態です：{0}',
  'the switchover did not happen: {}. Not as before: {}':
    '切り替えは行われませんでした：{0}。元に戻っていないもの：{1}',
  'and {} more': 'ほか {0} 件',
  '{} could not be copied and are not followed: {}': '{0}をコピーできず、追従していません：{1}',
  '{} and {} more': '{0} ほか {1} 件',
  '; and {} more': '; ほか {0} 件',
  '{} (since {}, writes kept in memory: {})': '{0}（{1} から。メモリーに保持している書き込み {2} 件）',
  'no process is running: it is stopped': '処理しているプロセスがありません。停止しました',
  'no process is running: it is failed': '処理しているプロセスがありません。失敗しました',
  'no process is running: it is lost': '処理しているプロセスがなくなりました',
}
