// The server's messages about following: readiness, tables that are not followed, writes of others.
import type { Messages } from '../messages.ts'

export const followMessages: Messages = {
  'it is running': '動作しています',
  'it is paused': '一時停止中です',
  'it is waiting to connect again': '再接続を待っています',
  'it is stopped at a conflict': '競合で止まっています',
  'it is stopped': '停止しています',
  'it is failed': '失敗しました',
  'it is not running any more': '動作していません',
  'it is still catching up': 'まだ追い付いていません',
  'rows are still being copied': 'まだ行をコピーしています',
  'no changes flow': '変更が流れていません',
  '{} of {} tables could not be copied': '{1} テーブルのうち {0} をコピーできませんでした',
  'lag is {}, more than {}': '{0} 遅れています（上限 {1}）',
  'lag is {} seconds, more than {}': '{0} 秒遅れています（上限 {1}）',
  'lag has been within the limits for {} of {} seconds': '遅れのない状態が {1} 秒のうち {0} 秒続いています',
  'the server is about to invalidate the slot': 'サーバーがスロットを破棄しようとしています',
  'the server has invalidated the slot: {}': 'サーバーがスロットを破棄しました：{0}',
  'the server no longer has slot {}': 'サーバーにスロット {0} がありません',
  'the servers cannot be checked: {}': 'サーバーの状態を確認できません：{0}',
  'tables are being copied again: {}': 'テーブルをコピーし直しています：{0}',
  'the process that followed has ended: continue with "pgtrek follow"':
    '追従していたプロセスが終了しました。「pgtrek follow」で再開してください',

  'table {} is not the same on both sides: {}': 'テーブル {0} が両側で一致していません：{1}',
  'table {} is the same on both sides again': 'テーブル {0} は再び両側で一致しています',
  '{} cannot be compared before the switchover: {}': '{0} を切り替え前に比較できません：{1}',
  '{} could not be created on the destination: {}': '移行先に作成できなかったもの：{0}（{1}）',
  '{} of {} is missing on {}': '{1} の {0} が {2} にありません',
  '{} is not the same on {} and {}': '{0} が {1} と {2} で異なります',
  '{n} more differences': 'ほかに {0} 件の違いがあります',

  '{} is followed, but was dropped on the source; the table that is named {} there now is a different one, and is not followed':
    '{0} は追従していますが、移行元で削除されました。移行元で今 {1} という名前のテーブルは別のもので、追従していません',
  '{} is followed, but was dropped on the source. When it is no longer needed, drop it on the destination, too: drop table {}':
    '{0} は追従していますが、移行元で削除されました。不要であれば移行先でも削除してください：drop table {1}',
  '{} is followed, but not published any more: it was taken out of {}, or is not a partition of a published table any more; its changes are not sent. "pgtrek recopy {}" publishes it and copies it again':
    '{0} は追従していますが、変更が送られていません。{1} から外されたか、公開したテーブルのパーティションではなくなりました。「pgtrek recopy {2}」で公開し、コピーし直せます',
  '{} of the destination is now named {}.{} on the source: its changes are applied, but the names differ. On the destination run: {}':
    '移行先の {0} は、移行元では {1}.{2} という名前になりました。変更は適用していますが、名前が異なります。移行先で実行してください：{3}',
  '{} is not followed: its rows are neither copied nor kept up to date. The table that had this name when the move started is a different one, which was renamed or dropped: if it was dropped, "pgtrek recopy {}" copies this one in its place; otherwise start again with it':
    '{0} は追従していません。行はコピーも更新もされません。移行の開始時にこの名前だったテーブルは、名前が変わったか削除された別のものです。削除されたのであれば「pgtrek recopy {1}」で代わりにこのテーブルをコピーできます。そうでなければ、このテーブルを含めて移行を始め直してください',
  '{} is not followed: its rows are neither copied nor kept up to date. To move it, start again with it, or copy it when nothing writes to it any more':
    '{0} は追従していません。行はコピーも更新もされません。移行するには、このテーブルを含めて始め直すか、書き込みがなくなってからコピーしてください',
  '{} is a partition of {}, but the destination does not have it. Create it there, or run "pgtrek recopy {}", which creates it and copies its rows, those from before it was attached too':
    '{1} のパーティション {0} が移行先にありません。移行先に作成するか、「pgtrek recopy {2}」を実行してください。テーブルを作成し、アタッチ前の行も含めてコピーします',
  '{} is followed, but the destination does not have it. If it has another name there, rename it to this one; otherwise run "pgtrek recopy {}", which creates it and copies its rows':
    '{0} は追従していますが、移行先にありません。移行先で別の名前になっていれば、この名前に変えてください。なければ「pgtrek recopy {1}」で作成し、行をコピーできます',
  '{} is a partition of {} that {} does not have: its changes are not sent. "pgtrek recopy {}" publishes it, creates it on the destination and copies its rows; for a publication of your own, first run alter publication {} add table {}':
    '{1} のパーティション {0} が {2} に含まれず、変更が送られていません。「pgtrek recopy {3}」で公開し、移行先に作成して行をコピーできます。自分で用意したパブリケーションの場合は、先に alter publication {4} add table {5} を実行してください',
  'a followed table': '追従中のテーブル',

  '{} skipped, whose changes are missing: {}. "pgtrek recopy TABLE" copies them again; or make them equal on both sides, which the next comparison by checksum detects; or accept it at the switchover (--accept-differences)':
    'スキップした{0}の変更が欠けています：{1}。「pgtrek recopy テーブル」でコピーし直すか、両側を一致させるか（次のチェックサム比較で確認されます）、切り替え時に違いを許容してください（--accept-differences）',
  'other sessions or triggers have written to the destination: {}. Other connected sessions: {}. Stop them. These tables are compared by checksum, at the switchover at the latest; where they differ, "pgtrek recopy TABLE" copies them again':
    '移行先のテーブルに、この移行以外からの書き込みがありました：{0}。接続していたもの：{1}。書き込みを止めてください。これらのテーブルは遅くとも切り替え時にチェックサムで比較します。異なる場合は「pgtrek recopy テーブル」でコピーし直せます',
  'other sessions or triggers have written to the destination: {}. Stop them. These tables are compared by checksum, at the switchover at the latest; where they differ, "pgtrek recopy TABLE" copies them again':
    '移行先のテーブルに、この移行以外からの書き込みがありました：{0}。書き込みを止めてください。これらのテーブルは遅くとも切り替え時にチェックサムで比較します。異なる場合は「pgtrek recopy テーブル」でコピーし直せます',

  'at least {n} in {}': '{1} に少なくとも{0}',
  '{n} in {}': '{1} に{0}',
  '{} was written to after the switchover, and only there: {}. These rows are not on the new primary: copy them by hand, and stop the clients that still write there':
    '切り替え後に {0} だけに書き込みがありました：{1}。これらの行は新しいプライマリにありません。手作業でコピーし、まだ書き込んでいるクライアントを止めてください',
  'objects of {} were changed after the switchover: {}{}':
    '切り替え後に {0} のオブジェクトが変更されました：{1}{2}',
  '{} was written to': '{0} に書き込まれた',
  'objects of {} were changed': '{0} のオブジェクトが変更された',
  'cannot determine whether {} after the switchover: {}': '切り替え後に{0}かどうか確認できません：{1}',
  'cannot determine whether {} was written to after the switchover: {}':
    '切り替え後に {0} に書き込まれたかどうか確認できません：{1}',
  '{}. Nothing was dropped: the slot {} still has these changes. To drop it anyway, use --discard-late-writes (discard_late_writes)':
    '{0}。何も削除していません。これらの変更はスロット {1} に残っています。それでも削除する場合は --discard-late-writes（discard_late_writes）を指定してください',
}
