// The server's messages about a switchover.
import type { Messages } from '../messages.ts'

export const followSwitchoverMessages: Messages = {
  '{n} compared beforehand and again where they changed; {n} compared whole now':
    '事前に比較し、変更された分だけ再比較：{0}。今すべて比較：{1}',
  '{n} compared whole, because others may have written to the destination after the earlier comparison{}':
    '以前の比較の後に移行先へほかから書き込まれた可能性があるため、すべて比較：{0}{1}',
  '(sessions whose rows are not counted yet: {})': '（行をまだ集計していないセッション：{0}）',
  '{n} of {} are not the same on both sides: {}': '{1} テーブルのうち{0}が両側で一致していません：{2}',
  'other sessions have written to it': 'ほかのセッションが書き込みました',
  'a transaction was skipped': 'スキップしたトランザクションがあります',
  'table {} is not the same on both sides, which was accepted: {}':
    'テーブル {0} は両側で一致していませんが、許容されました：{1}',
  'the connection to {} was lost during the handover, and its outcome is not known: {}. When the server is available again, "pgtrek status" with the same connections shows it, and "pgtrek follow" continues':
    '引き渡しの途中で {0} との接続が切れ、結果がわかりません：{1}。サーバーに接続できるようになったら、同じ接続の "pgtrek status" で確認し、"pgtrek follow" で続行してください',
  '{} stays read-only: another move made it read-only ({}; "pgtrek cleanup --writable --name" undoes it)':
    '{0} は読み取り専用のままです。別の移行が読み取り専用にしています（{1}。"pgtrek cleanup --writable --name" で元に戻せます）',
  '{} can be written to again': '{0} に再び書き込みできます',
  'the trigger pgtrek_read_only of {} is left; it does nothing, and "pgtrek cleanup --writable" drops it':
    '{0} のトリガー pgtrek_read_only が残っています。何もしないトリガーで、"pgtrek cleanup --writable" で削除できます',
  '{} may still be read-only, "pgtrek cleanup --writable" undoes it: {}':
    '{0} が読み取り専用のままの可能性があります。"pgtrek cleanup --writable" で元に戻せます：{1}',
  'a switchover was interrupted after the handover, which is recorded on the servers':
    '切り替えは引き渡しの後に中断されました。引き渡しはサーバーに記録されています',
  'an interrupted switchover left {} read-only: making it writable again':
    '中断された切り替えで {0} が読み取り専用のままです。書き込みできるように戻しています',
  'not everything could be cleaned up after the switchover, "pgtrek follow" tries again: {}':
    '切り替え後の片付けが一部できませんでした。"pgtrek follow" でもう一度試します：{0}',
  'our role has no permission to read {} large objects (for example {}): grant select on them, on both sides':
    'ラージオブジェクト {0} 件（例：{1}）を読む権限がロールにありません。両側で select を付与してください',
  'below PostgreSQL {}, changes that flow back without a replication origin cannot be distinguished from those of others (our role may not use origins there)':
    'PostgreSQL {0} 未満では、レプリケーションオリジンなしで送り返した変更と、ほかからの変更を区別できません（このロールはオリジンを使えません）',
  '{n} of {} could not be refreshed. After removing the cause, run: {}':
    '{1} の{0}を更新できませんでした。原因を取り除いてから実行してください：{2}',
  'Cannot determine whether materialized views of {} have to be refreshed: {}':
    '{0} のマテリアライズドビューの更新が必要かどうか確認できません：{1}',
  'stopped before it was refreshed': '更新の前に停止しました',
  'it reads {}, which was not refreshed': '更新されていない {0} を参照しています',
  'sequences of {} advanced after the switchover, so a client is still connected: {}':
    '切り替え後に {0} のシーケンスが進みました。まだ接続しているクライアントがあります：{1}',
  '{} is watched for late writes for {}': '切り替え後の書き込みがないか {0} を {1} 監視します',
  '{}. When that is resolved, continue with --discard-late-writes':
    '{0}。解決したら --discard-late-writes を付けて続行してください',
  'process {} of {} ({}){}': '{1} のプロセス {0}（{2}）{3}',
  'a dropped role': '削除されたロール',
  'no application name': 'アプリケーション名なし',
  ', details not visible to our role': '、このロールでは詳細を確認できません',
  ', {}, since {}, last statement: {}': '、{0}、{1} から、最後の文：{2}',
  'prepared transaction {} of {}, since {}': '{1} の準備済みトランザクション {0}（{2} から）',
  'waiting for {}': '待っています：{0}',
  '{}: not ended within {}: {}. What they commit later would be lost. Commit or end them, or give them more time (--timeout)':
    '{0}：{1} 以内に終わりませんでした：{2}。後からコミットされたものは失われます。コミットするか終了させるか、待つ時間を延ばしてください（--timeout）',
  '{n} of {} would be lost ({}): run commit prepared or rollback prepared first':
    '{1} の{0}（{2}）が失われます。先に commit prepared または rollback prepared を実行してください',
  '{n} after the sentinel': 'センチネルの後に{0}',
  '{} is still being written to: {}. Stop the application first{}':
    '{0} にまだ書き込みがあります：{1}。先にアプリケーションを止めてください{2}',
  ', or let the switchover make that side read-only (--read-only-source)':
    '（または切り替え時にそちらを読み取り専用にしてください：--read-only-source）',
  'cannot determine whether {} was written to in the meantime: {}':
    'その間に {0} に書き込まれたかどうか確認できません：{1}',
  'role {} has no TRIGGER privilege': 'ロール {0} に TRIGGER 権限がありません',
  '{} of {} is in use by {}': '{1} の {0} が使用中です：{2}',
  '{}: end these transactions first, or give them more time (--timeout)':
    '{0}。先にそのトランザクションを終わらせるか、待つ時間を延ばしてください（--timeout）',
  'a transaction that reads it, or has just ended': '参照中の、または終了したばかりのトランザクション',
  'unknown role': '不明なロール',
  'following stopped before the sentinel was received: {}': 'センチネルを受信する前に追従が止まりました：{0}',
  'the destination did not confirm the sentinel within {}: its lag is {} bytes of the log. Wait until it has caught up, or set a longer --timeout':
    '移行先が {0} 以内にセンチネルを確認しませんでした。遅れは {1} バイトです。追い付くのを待つか、--timeout を延ばしてください',
  'the destination rejected: {}': '移行先で拒否されました：{0}',
  '{n} between the objects of both sides: {}{}. Make the destination the same, or accept these differences (--accept-differences)':
    '両側のオブジェクトに{0}があります：{1}{2}。移行先を同じにするか、違いを許容してください（--accept-differences）',
  '{} is read-only for new sessions': '{0} は新しいセッションでは読み取り専用です',
  'ended {n} of {}': '{1} の{0}を終了しました',
  'a trigger refuses writes to {n} of {}': '{1} の{0}への書き込みをトリガーで拒否します',
  'writes to {n} are refused only by the default of the database, which a session may override: {}':
    '{0}への書き込みはデータベースの既定値だけで拒否しており、セッションで変えられます：{1}',
  '{n} of other roles could not be ended: {}': 'ほかのロールの{0}を終了できませんでした：{1}',
  '{}. They may still write to {}. End them, or grant pg_signal_backend to our role':
    '{0}。{1} にまだ書き込める可能性があります。セッションを終了させるか、このロールに pg_signal_backend を付与してください',
  '{}. They can read, and writes to tables are refused':
    '{0}。参照はできますが、テーブルへの書き込みは拒否されます',
  '{n} cannot be set on {}, where they are missing, or cannot be read on {}: {}':
    '{0}の値を設定できません。{1} にないか、{2} で読めません：{3}',
  "In the application's connection string, set host {}, port {}, database {} (it was {}, {}, {}), and start it.":
    'アプリケーションの接続文字列をホスト {0}、ポート {1}、データベース {2} に変えて（これまでは {3}、{4}、{5}）、起動してください。',
  '{n} of other programs are still connected to {}: what they write there from now on is not on {}.':
    'ほかのプログラムの{0}がまだ {1} に接続しています。これ以降そこに書き込まれたものは {2} にはありません。',
  '{} is read-only until "pgtrek cleanup --writable" or a switchover back. Superusers and owners who disable triggers, and sessions with session_replication_role = replica, can still write there.':
    '{0} は "pgtrek cleanup --writable" または切り戻しまで読み取り専用です。スーパーユーザー、トリガーを無効にした所有者、session_replication_role = replica のセッションは書き込めます。',
  'Changes of {} do not flow to {}.': '{0} の変更は {1} に流れません。',
  'When you are sure: "pgtrek cleanup" removes slot, publication and position from both sides.':
    '問題がないと確認できたら、"pgtrek cleanup" で両側のスロット、パブリケーション、位置を削除してください。',
  'it was not switched over: changes flow from {} to {}, so use "switchover" without --back':
    '切り替えていません。変更は {0} から {1} へ流れています。--back なしの "switchover" を使ってください',
  'it was switched over already: the application belongs on {}, and "switchover --back" returns to {}':
    '既に切り替え済みです。アプリケーションは {0} に接続してください。"switchover --back" で {1} に戻せます',
  'not ready: {}': 'まだ切り替えできません：{0}',
  '{} is no longer watched for late writes': '切り替え後の書き込みの監視を終えました：{0}',
  'changes no longer flow: {}': '変更が流れなくなりました：{0}',
  'the handover is done, but not everything after it: {}. "pgtrek follow" tries that again':
    '引き渡しは済みましたが、その後の処理が一部残っています：{0}。"pgtrek follow" でもう一度試します',
  'handed over to {}; {n} to be refreshed before the report':
    '{0} に引き渡しました。報告書の前に{1}を更新します',
  'not refreshed: materialized view {}': '更新できませんでした：マテリアライズドビュー {0}',
  'making the old primary read-only': '旧プライマリを読み取り専用にしています',
  'waiting for the sentinel': 'センチネルを待っています',
  'checking that writes have stopped': '書き込みが止まったことを確認しています',
  'comparing both sides': '両側を比較しています',
  'preparing the return': '切り戻しの準備をしています',
  'materialized views': 'マテリアライズドビュー',
  '{n} of {} is as of the copy, unless it was refreshed there since: {}':
    '{1} の{0}は、その後更新していなければコピー時点のままです：{2}',
  '{n} of {} is as of their last refresh there: {}': '{1} の{0}は、そこで最後に更新した時点のままです：{2}',
  '{n} of {} are as of the copy, unless they were refreshed there since: {}':
    '{1} の{0}は、その後更新していなければコピー時点のままです：{2}',
  '{n} of {} are as of their last refresh there: {}': '{1} の{0}は、そこで最後に更新した時点のままです：{2}',
  '{n} that has written: {}{}': '書き込みのある{0}：{1}{2}',
  '{n} that have written: {}{}': '書き込みのある{0}：{1}{2}',
  'waiting: {}': '待っています：{0}',
  '{} ({} rows here, {} there)': '{0}（切り替え元に {1} 行、切り替え先に {2} 行）',
  '{} ({} rows here, {} there, and other sessions have written to it there)':
    '{0}（切り替え元に {1} 行、切り替え先に {2} 行。切り替え先にほかのセッションが書き込んでいます）',
  'What is still written to {} from now on stays in its replication slot: it is watched for {}, and after that "pgtrek cleanup" reports it, and then exits with 1.':
    'これ以降 {0} に書き込まれたものは、そのレプリケーションスロットに残ります。{1} 監視し、その後は "pgtrek cleanup" が報告して終了コード 1 で終わります。',
  'What is still written to {} from now on stays in its replication slot: "pgtrek cleanup" reports it, and then exits with 1.':
    'これ以降 {0} に書き込まれたものは、そのレプリケーションスロットに残ります。"pgtrek cleanup" が報告し、終了コード 1 で終わります。',
  'Changes of {} flow to {} from now on: "pgtrek switchover" switches to it without losing any.':
    'これ以降、{0} の変更は {1} に流れます。"pgtrek switchover" で、変更を失わずにそちらへ切り替えられます。',
  'Changes of {} flow to {} from now on: "pgtrek switchover --back" switches to it without losing any.':
    'これ以降、{0} の変更は {1} に流れます。"pgtrek switchover --back" で、変更を失わずにそちらへ切り替えられます。',
}
