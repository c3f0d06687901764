// The server's messages about applying changes and about slots.
import type { Messages } from '../messages.ts'

export const replicationMessages: Messages = {
  'a row with the same key is on the destination already: {}': '同じキーの行が移行先に既にあります：{0}',
  'a foreign key of the destination does not allow it: {}': '移行先の外部キーに違反します：{0}',
  'a column of the destination must not be null: {}': '移行先のカラムは NULL にできません：{0}',
  'a check constraint of the destination does not allow it: {}': '移行先の CHECK 制約に違反します：{0}',
  'an exclusion constraint of the destination does not allow it: {}': '移行先の排他制約に違反します：{0}',
  'a column is missing on the destination: {}': '移行先にカラムがありません：{0}',
  'the table is missing on the destination: {}': '移行先にテーブルがありません：{0}',
  'the destination does not support it: {}': '移行先が対応していません：{0}',
  "the destination's role lacks the privilege: {}": '移行先のロールに権限がありません：{0}',
  'both sides have changed this row: on the destination it is missing, or differs from the row before this change':
    'この行は両側で変更されています。移行先では行がないか、この変更の前の行と異なります',
  'the row is missing on the destination': '移行先に行がありません',
  'the destination has {} such rows instead of one': '移行先で該当する行が 1 行ではなく {0} 行あります',
  '{} in transaction {} at {}: {}': 'トランザクション {1}（{2}）の {0}：{3}',
  'a server did not send the state of its objects within {} s':
    'サーバーが {0} 秒以内にオブジェクトの状態を送りませんでした',
  'it was excluded when the move started': '移行の開始時に除外されました',
  'it belongs to an extension': '拡張機能に属します',
  'it belongs to another move': '別の移行に属します',
  'it was created after the move started, and has since been dropped':
    '移行の開始後に作成され、削除されました',
  '{}.{} is not published any more: it was dropped, detached or taken out of the publication, and its changes are not sent':
    '{0}.{1} は公開されなくなりました。削除、デタッチ、またはパブリケーションから外されたため、変更が送られていません',
  '{}.{} of the destination was dropped and created again: rows that were copied before are missing':
    '移行先の {0}.{1} が削除され、作り直されました。以前コピーした行がありません',
  'changes of {}.{} are sent and not applied: {}': '{0}.{1} の変更が送られていますが、適用していません：{2}',
  'replication origin {}': 'レプリケーションオリジン {0}',
  'the destination has no record of which changes are applied (no position {}): copy the rows again, under the snapshot of a new slot':
    '移行先に、どこまで適用したかの記録がありません（位置 {0} がない）。新しいスロットのスナップショットで行をコピーし直してください',
  'the position {} has never been set': '位置 {0} は設定されたことがありません',
  'another session is applying changes as {}': '別のセッションが {0} として変更を適用しています',
  'the source sent a prepared transaction, which was not requested':
    '移行元が、要求していない準備済みトランザクションを送りました',
  'a change outside of all transactions': 'トランザクションの外の変更を受信しました',
  'changes of an unknown relation: {}': '未知のテーブルの変更を受信しました：{0}',
  'it is now named {}.{} on the source': '移行元では {0}.{1} という名前になりました',
  'a change of a table that was not described: {}': '定義を受信していないテーブルの変更を受信しました：{0}',
  '{} does not fit: {}': '{0} の定義が合いません：{1}',
  'a transaction that changes {}.{} is not visible on the source yet':
    '{0}.{1} を変更するトランザクションが、移行元でまだ見えません',
  '{} was not part of this move when it started: it was created or published since':
    '{0} は移行の開始時に対象ではありませんでした。その後に作成または公開されています',
  'the table that was named {} before is still followed, and is a different one: it was dropped or renamed':
    '以前 {0} という名前だったテーブルは追従を続けていますが、別のテーブルです。削除されたか名前が変わっています',
  'not published any more: {}': '公開されなくなったもの：{0}',
  'tables may be emptied here, retry': 'ここでテーブルを空にしてよければ、もう一度試してください',
  'the source does not send the columns of its key': '移行元がキーのカラムを送っていません',
  'changes flow both ways, and the source does not send the old row: it cannot be determined whether both sides have changed it. Run "alter table {} replica identity full" on both sides; if this change is correct, retry':
    '双方向に変更が流れていますが、移行元が変更前の行を送らないため、両側で変更されたかどうか判断できません。両側で "alter table {0} replica identity full" を実行してください。この変更が正しければ、もう一度試してください',
  'rows of {} refer to it: this version of the destination would delete or change them when a row goes to another partition. Follow with a role that may set session_replication_role, or drop the foreign key until the switchover, then retry':
    '{0} の行から参照されています。この版の移行先では、行が別のパーティションに移るときに参照元の行が削除・変更されます。session_replication_role を設定できるロールで追従するか、切り替えまで外部キーを削除してから、もう一度試してください',
  'rows of {} refer to it: a new value of its identity column requires a new row, and they would be deleted or changed with the old one. Run "alter table {} {}" on the destination until the switchover, then retry':
    '{0} の行から参照されています。ID カラムの新しい値には新しい行が必要で、参照元の行が古い行とともに削除・変更されます。切り替えまで移行先で "alter table {1} {2}" を実行してから、もう一度試してください',
  'the connection to the {}, {}, was lost: no data was received for {} s':
    '{0}（{1}）との接続が切れました。{2} 秒間データを受信していません',
  'the connection to the destination was lost: it did not answer a large transaction':
    '移行先との接続が切れました。大きなトランザクションに応答がありません',
  'the source aborted it in the stream, since it was rolled back or was committed before the stream started':
    'ロールバックされたかストリームの開始前にコミットされたため、移行元が送信を取りやめました',
  'the source rolled back a part of it to a savepoint':
    '移行元が一部をセーブポイントまでロールバックしました',
  'it is not to be applied': '適用の対象ではありません',
  'it truncates a table': 'TRUNCATE を含みます',
  'it holds a logical message, which is reported when it is committed':
    'コミット時に報告する論理メッセージを含みます',
  'the definition of a table has changed': 'テーブルの定義が変わりました',
  'it changes an unknown table': '未知のテーブルを変更します',
  'a table is missing on the destination': '移行先にテーブルがありません',
  'a table of the destination does not fit': '移行先のテーブルの定義が合いません',
  'its values have to be sent as text': '値をテキストで送る必要があります',
  'the destination refused a change': '移行先が変更を受け付けませんでした',
  'it waited for a lock on the destination': '移行先でロックを待っていました',
  'other transactions waited, perhaps for its locks':
    'ほかのトランザクションが待っていました（このロックのためかもしれません）',
  'the connection to the destination was lost': '移行先との接続が切れました',
  'the destination did not answer': '移行先が応答しませんでした',
  'no second session could be opened on the destination': '移行先に 2 つ目のセッションを開けませんでした',
  'the destination reported an error': '移行先がエラーを報告しました',
  'the source sent nothing of it for a while': '移行元からしばらく何も送られませんでした',
  'following was paused': '追従が一時停止されました',
  'the stream ended': 'ストリームが終わりました',
  'Its changes are applied when the source commits it': '変更は移行元がコミットしたときに適用します',
  'What was applied of it early is rolled back': '先に適用した分はロールバックしました',
  'The source sends it again to the next connection': '移行元が次の接続でもう一度送ります',
  'the subscription has not applied everything in time':
    'サブスクリプションが時間内にすべてを適用できませんでした',
  'the source no longer has slot {}: the subscription cannot continue':
    '移行元にスロット {0} がないため、サブスクリプションを続行できません',
  'the destination no longer has subscription {}': '移行先にサブスクリプション {0} がありません',
  "the subscription has failed {} times: see the destination's log for the reason; the server retries automatically":
    'サブスクリプションが {0} 回失敗しました。原因は移行先のログを見てください。サーバーは自動で再試行します',
  'a string in a message is not terminated': 'メッセージ内の文字列が終端していません',
  'a message is shorter than its content requires': 'メッセージが内容に対して短すぎます',
  'a change is of an unknown kind ({})': '未知の種類の変更を受信しました（{0}）',
  "PostgreSQL {} cannot publish some of a table's rows or columns":
    'PostgreSQL {0} では、テーブルの一部の行やカラムだけを公開できません',
  'the publication {} leaves out every {}: alter it, or let pgtrek create its own':
    'パブリケーション {0} は {1} を送りません。変更するか、pgtrek に作らせてください',
  'the publication {} does not contain {}.{}': 'パブリケーション {0} に {1}.{2} が含まれていません',
  'the log it needs has been removed (max_slot_wal_keep_size)':
    '必要なログが削除されました（max_slot_wal_keep_size）',
  'rows of the catalog that it needs have been removed': '必要なカタログの行が削除されました',
  'wal_level was not logical for a while': 'wal_level が一時 logical ではありませんでした',
  'it was not used for longer than idle_replication_slot_timeout':
    'idle_replication_slot_timeout より長く使われませんでした',
  'it was in conflict with recovery': 'リカバリーと競合しました',
  'Nothing was changed. Start again with a new slot and a new copy of the rows.':
    '何も変更していません。新しいスロットを作り、行をコピーし直してください。',
  'the source has no replication slot {}: changes since {} are lost. {}':
    '移行元にレプリケーションスロット {0} がないため、{1} 以降の変更が失われました。{2}',
  'the slot {} is a different one: of plugin {} in database {}':
    'スロット {0} は別のものです（プラグイン {1}、データベース {2}）',
  'the source has invalidated the slot {}: {}. {}': '移行元がスロット {0} を破棄しました：{1}。{2}',
  'the destination has changes up to {}, but the log of the source ends at {}: the source is an older state, or another server. {}':
    '移行先には {0} までの変更がありますが、移行元のログは {1} で終わっています。移行元が古い状態か、別のサーバーです。{2}',
  'the slot {} has been read up to {}, but the destination has changes only up to {}: another client used the slot, or the destination is an older state. {}':
    'スロット {0} は {1} まで読まれていますが、移行先には {2} までの変更しかありません。別のクライアントがスロットを使ったか、移行先が古い状態です。{3}',
  'a process that this role may not see': 'このロールには見えないプロセス',
  'the replication slot {} is in use by {} (server process {}): stop that process first. The slot was not dropped':
    'レプリケーションスロット {0} は {1} が使用中です（サーバープロセス {2}）。先にそのプロセスを止めてください。スロットは削除していません',
  '{} has no space for the large transactions that the source sends before they are committed: {}. Free space there, or start again with TMPDIR set to another directory; applied changes are kept, and nothing is lost':
    '{0} に、移行元がコミット前に送る大きなトランザクションを置く空きがありません：{1}。空きを作るか、TMPDIR に別のディレクトリを指定して開始し直してください。適用済みの変更は残っており、失われるものはありません',
  'the file of a large transaction ends within a message':
    '大きなトランザクションのファイルがメッセージの途中で終わっています',
  'the file of a large transaction no longer exists': '大きなトランザクションのファイルがなくなりました',
  'the file of a large transaction is shorter than what was written':
    '大きなトランザクションのファイルが書き込んだ量より短くなっています',
  'a change is incomplete': '変更のデータが不完全です',
  'a keepalive message is incomplete': 'キープアライブメッセージが不完全です',
  'a column is of an unknown kind ({})': '未知の種類のカラムを受信しました（{0}）',
  'a value has a format that was not requested ({})': '要求していない形式の値を受信しました（{0}）',
  '{}; raised by {}': '{0}（{1} で発生）',
  'transaction {} is no longer applied while the source sends it: {}. {}.':
    'トランザクション {0} を送信中に適用するのをやめました：{1}。{2}。',
  'transaction {} is no longer applied while the source sends it: {} ({}). {}.':
    'トランザクション {0} を送信中に適用するのをやめました：{1}（{2}）。{3}。',
  'to follow it, create {} on the destination with the rows that it had before it was published, then retry':
    '追従するには、公開前にあった行とともに移行先に {0} を作成してから、もう一度試してください',
  'to follow it, create {} on the destination with the rows that it had before it was published (in place of the table that has this name there), then retry':
    '追従するには、公開前にあった行とともに移行先に {0} を作成してから（この名前の今のテーブルの代わりに）、もう一度試してください',
  'the role has no privilege to use replication origins there, and PostgreSQL {} has no other way to show which changes came from the other side':
    'ロールにレプリケーションオリジンを使う権限がなく、PostgreSQL {0} では反対側から来た変更をほかの方法で見分けられません',
  'both directions at once: {}': '双方向の追従：{0}',
  'grant execute on the functions pg_replication_origin_* of pg_catalog to the role that writes there; or follow one direction only':
    '書き込むロールに pg_catalog の関数 pg_replication_origin_* の execute を付与するか、一方向だけを追従してください',
  'let a superuser write there; or follow one direction only':
    'スーパーユーザーで書き込むか、一方向だけを追従してください',
  'changes cannot flow both ways at once: {}. Nothing was changed. To go on, grant execute on the functions pg_replication_origin_* of pg_catalog to the role that writes there, and start again; or follow one direction only.':
    '双方向に変更を流せません：{0}。何も変更していません。書き込むロールに pg_catalog の関数 pg_replication_origin_* の execute を付与して始め直すか、一方向だけを追従してください。',
  'changes cannot flow both ways at once: {}. Nothing was changed. To go on, let a superuser write there, and start again; or follow one direction only.':
    '双方向に変更を流せません：{0}。何も変更していません。スーパーユーザーで書き込むようにして始め直すか、一方向だけを追従してください。',
}
