// The server's messages about a move: actions, copy, what is on the servers, its state.
import type { Messages } from '../messages.ts'

export const followMoveMessages: Messages = {
  'it has just started, and changes do not flow back yet: try again in a moment':
    '始まったばかりで、まだ変更を送り返していません。少し待って、もう一度実行してください',
  'not streaming yet (state: {}): try again when changes flow':
    'まだ追従中ではありません（段階：{0}）。変更が流れ始めてから、もう一度実行してください',
  'there is no conflict': '競合はありません',
  'trying again': 'もう一度試しています',
  'there is no such conflict': 'その競合はもうありません',
  'the transaction is skipped': 'トランザクションをスキップしました',
  'there is no such conflict about a table': 'テーブルについてのその競合はもうありません',
  'another command is running': '別の操作を実行中です',
  'no table to copy again: these tables no longer exist on the source: {}':
    'コピーし直すテーブルがありません。移行元に次のテーブルはもうありません：{0}',
  'no table has failed: there is nothing to copy again':
    '失敗したテーブルはありません。コピーし直すものはありません',
  'copying again: {}': 'コピーし直しています：{0}',
  'switching over': '切り替えています',
  'a switchover is running': '切り替えを実行中です',
  'tables are being copied again': 'テーブルをコピーし直しています',
  'tables of the destination are being changed': '移行先のテーブルを変更しています',
  'no schema change of {} can be applied': '{0} に適用できるスキーマの変更がありません',
  '{} was changed{}; trying again': '{0} を変更しました{1}。もう一度試しています',
  ', values were filled in for {} older rows': '（既存の {0} 行に値を補いました）',
  '{} was not changed: {}': '{0} を変更できませんでした：{1}',
  "{}; using pgtrek's own stream instead": '{0}。代わりに pgtrek のストリームを使います',
  '{}. Nothing was changed. If this server is permanently lost, run "pgtrek cleanup --gone {}" to clean up the other one only':
    '{0}。何も変更していません。このサーバーが失われて戻らない場合は、"pgtrek cleanup --gone {1}" でもう一方だけを片付けられます',
  '{} is available. Nothing was changed. Clean up both sides, without --gone':
    '{0} に接続できます。何も変更していません。--gone を付けずに両方を片付けてください',
  '{} stays read-only ("pgtrek cleanup --writable" makes it writable)':
    '{0} は読み取り専用のままです（"pgtrek cleanup --writable" で書き込みできるようにします）',
  'waiting until the destination has counted the rows that other sessions have written: {}':
    'ほかのセッションが書き込んだ行を移行先が集計するまで待っています：{0}',
  'both sides cannot be compared now: {}': '今は両方を比較できません：{0}',
  '{} (of rows that changed)': '{0}（変更された行の比較）',
  'it does not exist': '存在しません',
  'the destination lags behind': '移行先が遅れています',
  'changes do not flow': '変更が流れていません',
  'waiting for transactions of the source that were open when following started':
    '追従の開始時に実行中だった移行元のトランザクションが終わるのを待っています',
  '{} (compared at {})': '{0}（{1} の時点で比較）',
  'found slot, publication and position of an earlier process on the servers':
    '以前のプロセスが残したスロット、パブリケーション、位置がサーバーに見つかりました',
  'still suspended on the destination; restore it with "pgtrek repair": {}':
    '移行先で止めたままのものがあります。"pgtrek repair" で元に戻してください：{0}',
  '{} ended the session that held the snapshot of the copy, for instance by a restart: tables that were not complete can no longer be copied from the same snapshot ({}). Run the same command again':
    '{0} が、コピーのスナップショットを保持していたセッションを終了しました（再起動など）。完了していないテーブルは同じスナップショットからコピーできません（{1}）。同じコマンドをもう一度実行してください',
  'The copied rows cannot be kept up to date. Run the same command again':
    'コピーした行を最新に保てません。同じコマンドをもう一度実行してください',
  '{} no longer has the replication slot {}: it was dropped. {}':
    '{0} にレプリケーションスロット {1} がありません。削除されています。{2}',
  '{} has invalidated the slot {} while rows were copied: {}. {}, with a larger max_slot_wal_keep_size on the source':
    '行のコピー中に {0} がスロット {1} を破棄しました：{2}。{3}。その前に移行元の max_slot_wal_keep_size を増やしてください',
  '{} invalidates the slot {} after {} more of its log (max_slot_wal_keep_size). The copy would then have to start again: raise that setting now':
    '{0} はログがあと {2} 増えるとスロット {1} を破棄します（max_slot_wal_keep_size）。そうなるとコピーは最初からやり直しです。今のうちに設定を増やしてください',
  "the slot {} holds much of the server's log: its disk may fill up":
    'スロット {0} のために保持しているログが多く、サーバーのディスクが一杯になるおそれがあります',
  '{n} of the destination would be emptied or dropped, which was not confirmed (--yes). Nothing was changed':
    '移行先の{0}を空にするか削除することになりますが、確認されていません（--yes）。何も変更していません',
  'no table could be copied, so there is nothing to follow: {}: {}':
    'コピーできたテーブルがないため、追従するものがありません：{0}（{1}）',
  '{} was created on the source just now: start again, so that it is followed too':
    '{0} が移行元に今作成されました。追従の対象に含めるため、もう一度開始してください',
  'replication origin': 'レプリケーションオリジン',
  '{}; another attempt in {} seconds': '{0}。{1} 秒後にもう一度試します',
  'transaction {} ({}) was skipped': 'トランザクション {0}（{1}）をスキップしました',
  '{} has changed: {}': '{0} が変更されました：{1}',
  'it has ended': '終了しています',
  '{}; it will be retried': '{0}。あとでもう一度試します',
  'the objects of both sides are being compared': '両方のオブジェクトを比較しています',
  'a program without a name': '名前のないプログラム',
  '{} of {} (pid {})': '{1} の {0}（pid {2}）',
  '{} of {} (pid {}, writing now)': '{1} の {0}（pid {2}、書き込み中）',
  'slot {} holds all changes from now on': 'これ以降の変更はすべてスロット {0} に残ります',
  'another table of the source got this name while it was copied: start again':
    'コピー中に、移行元の別のテーブルがこの名前になりました。最初からやり直してください',
  'replication slot {}': 'レプリケーションスロット {0}',
  'subscription {} on {}': '{1} のサブスクリプション {0}',
  'position {} on {}': '{1} の位置 {0}',
  'an earlier move ({}) from {} to {} was switched over and left behind {}. Nothing was changed. "pgtrek cleanup" ends it and reports whether anything was written there since; --name gives this move another name':
    '以前の移行（{0}）で {1} から {2} へ切り替えた後、次のものが残っています：{3}。何も変更していません。"pgtrek cleanup" で片付けると、その後そこに書き込みがあったかどうかも報告します。--name でこの移行に別の名前を付けることもできます',
  'an earlier move{} left behind {}, and may still need it. Nothing was changed. "pgtrek follow" with the same connections continues a move whose copy is complete; "pgtrek cleanup" ends it; --name gives this move another name':
    '以前の移行{0}で使われ、まだ必要な可能性のあるものが残っています：{1}。何も変更していません。コピーが完了した移行は同じ接続の "pgtrek follow" で続行できます。終わらせるには "pgtrek cleanup" を使ってください。--name でこの移行に別の名前を付けることもできます',
  'the source has no publication {}': '移行元にパブリケーション {0} がありません',
  'the slot waits for a transaction of {} ({}, process {}, since {}): {}':
    'スロットが {0} のトランザクションを待っています（{1}、プロセス {2}、{3} から）：{4}',
  'no name': '名前なし',
  'the slot waits for prepared transaction {} of {} in {}, since {}: in {}, commit prepared {} or rollback prepared {}':
    'スロットが {2} にある {1} の準備済みトランザクション {0} を待っています（{3} から）。{4} で commit prepared {5} または rollback prepared {6} を実行してください',
  'the slot waits for open transactions (their sessions cannot be read: {})':
    'スロットが実行中のトランザクションを待っています（そのセッションは確認できません：{0}）',
  'subscription {} of {}': '{1} のサブスクリプション {0}',
  'replication slot {} of {}': '{1} のレプリケーションスロット {0}',
  'publication {} of {}': '{1} のパブリケーション {0}',
  'transactions were skipped': 'スキップされたトランザクション',
  'tables were added to the move with all of their rows': 'すべての行とともに移行に加えられたテーブル',
  'only this state directory has a record of which {}: {}':
    '{0}の記録が、この状態ディレクトリにしかありません：{1}',
  'changes do not flow back: the switchover was without --keep-reverse':
    '変更を送り返していません。切り替えのときに --keep-reverse がありませんでした',
  '--back is not possible: the switchover was without --keep-reverse, and {} does not have what was written to {} since. To return, clean up with --writable, then move from {} to {}':
    '--back は使えません。切り替えのときに --keep-reverse がなく、その後 {1} に書き込まれたものが {0} にはありません。戻すには --writable を付けて片付けてから、{2} から {3} へ移行してください',
  '"pgtrek cleanup" ends the move': '"pgtrek cleanup" で移行を終わらせます',
  '"pgtrek follow" continues': '"pgtrek follow" で続行します',
  '{} is still read-only, which "pgtrek follow" and "pgtrek cleanup" undo':
    '{0} は読み取り専用のままですが、"pgtrek follow" または "pgtrek cleanup" で元に戻ります',
  '"pgtrek cleanup --writable" also makes {} writable':
    '"pgtrek cleanup --writable" を使うと {0} にも書き込みできるようになります',
  'the servers have no move from {} to {}': 'サーバーに {0} から {1} への移行はありません',
  '"pgtrek clone --follow" starts one': '"pgtrek clone --follow" で開始します',
  'rows are being copied from {} to {}': '{0} から {1} へ行をコピーしています',
  'the copy from {} to {} was interrupted': '{0} から {1} へのコピーが中断されています',
  'the copy from {} to {} was interrupted, and its slot retains the log of {}':
    '{0} から {1} へのコピーが中断されています。スロットが {2} のログを保持し続けています',
  'or it was switched over: this is not recorded in a publication that pgtrek did not create':
    'または切り替え済みです。pgtrek が作ったものではないパブリケーションには記録がありません',
  '"pgtrek clone --follow" with the same state directory undoes it and starts again':
    '同じ状態ディレクトリで "pgtrek clone --follow" を実行すると、途中までのものを取り消して最初から始めます',
  '"pgtrek cleanup" undoes it, from any machine':
    '"pgtrek cleanup" で取り消します（どのマシンからでも実行できます）',
  'changes flow from {}, which is in use, to {}': '使用中の {0} から {1} へ変更が流れています',
  '"pgtrek switchover" makes the destination the primary': '"pgtrek switchover" で移行先をプライマリにします',
  'changes flow both ways between {} and {}': '{0} と {1} の間で双方向に変更が流れています',
  'a switchover is running; {} is read-only': '切り替えを実行中です。{0} は読み取り専用です',
  'a switchover was interrupted before the handover: {} is read-only and still the primary':
    '切り替えが引き渡しの前に中断されました。{0} は読み取り専用ですが、プライマリのままです',
  '"pgtrek follow" makes {} writable again and continues':
    '"pgtrek follow" で {0} に書き込みできるように戻し、続行します',
  '"pgtrek cleanup" makes {} writable again and ends the move':
    '"pgtrek cleanup" で {0} に書き込みできるように戻し、移行を終わらせます',
  'it was switched over: the application belongs on {}':
    '切り替え済みです。アプリケーションは {0} に接続してください',
  'it was switched over: the application belongs on {}, {} is read-only':
    '切り替え済みです。アプリケーションは {0} に接続してください。{1} は読み取り専用です',
  '"pgtrek cleanup" removes what remains': '"pgtrek cleanup" で残りを片付けます',
  'it was switched over: changes flow from {}, which is in use, back to {}':
    '切り替え済みです。使用中の {0} から {1} へ変更を送り返しています',
  '"pgtrek switchover --back" returns': '"pgtrek switchover --back" で戻します',
  'a switchover back is running; {} is read-only': '切り戻しを実行中です。{0} は読み取り専用です',
  'a switchover back was interrupted before the handover: {} is read-only and still the primary':
    '切り戻しが引き渡しの前に中断されました。{0} は読み取り専用ですが、プライマリのままです',
  'it has returned: the application belongs on {}': '戻りました。アプリケーションは {0} に接続してください',
  'it has returned: the application belongs on {}, {} is read-only':
    '戻りました。アプリケーションは {0} に接続してください。{1} は読み取り専用です',
  '"pgtrek cleanup --writable" undoes it': '"pgtrek cleanup --writable" で元に戻します',
  'parts of a move from {} to {} are left, and the move cannot be continued':
    '{0} から {1} への移行の一部が残っていますが、続行できません',
  '"pgtrek cleanup" removes them': '"pgtrek cleanup" で削除します',
  '"pgtrek apply-schema" runs {}': '"pgtrek apply-schema" で次を実行できます：{0}',
  'the objects of both sides cannot be compared: {}': '両方のオブジェクトを比較できません：{0}',
  'subscription {} of the destination copies the rows and follows':
    '移行先のサブスクリプション {0} が行をコピーし、追従します',
  'a subscription cannot distinguish its own changes from those that come back':
    'サブスクリプションでは、自身の変更と送り返された変更を区別できません',
  'a subscription cannot add rows to existing rows': 'サブスクリプションでは、既存の行に追加できません',
  'a server cannot create a subscription to itself: it would wait for its own transaction':
    'サーバーは自分自身へのサブスクリプションを作成できません。自身のトランザクションを待ち続けてしまうためです',
  'a subscription cannot replace rows in one transaction, and these tables of the destination have some: {}':
    'サブスクリプションでは行を一つのトランザクションで置き換えられません。移行先の次のテーブルには行があります：{0}',
  'the destination cannot subscribe to the source: {}':
    '移行先から移行元へのサブスクリプションを作成できません：{0}',
  'table {} of the destination was written to by others than this move':
    '移行先のテーブル {0} に、この移行以外からの書き込みがありました',
  '{} is {}: its rows are copied as they are now, and not followed':
    '{0} は{1}です。現在の行をコピーしますが、追従はしません',
  'these partitions of the source are not on the destination, where their table is partitioned differently: {}. Their rows could be copied, but their changes could not be followed. Create the same partitions on the destination, or drop its table; or exclude the table here and copy it without following. Nothing was changed':
    '移行元の次のパーティションは移行先にありません。移行先ではテーブルの分割方法が異なります：{0}。行はコピーできても、変更は追従できません。移行先に同じパーティションを作るか、移行先のテーブルを削除してください。または、ここではテーブルを除外し、追従なしでコピーしてください。何も変更していません',
  'the columns of {} are mapped, and a mapping cannot be applied to changes: copy that table without following it (exclude it here), or follow it without the mapping':
    '{0} にはカラムの対応付けがあり、変更には適用できません。このテーブルは除外して追従なしでコピーするか、対応付けなしで追従してください',
  'a foreign table': '外部テーブル',
  'no table to be followed is named {}': '追従するテーブルに {0} という名前のものはありません',
  'earlier changes have to be applied first, and they stop at a conflict: {}. Resolve it first':
    '先に適用する変更が競合で止まっています：{0}。先に競合を解決してください',
  'the rows of all tables are copied; analyzing the tables':
    '全テーブルの行をコピーしました。テーブルを ANALYZE しています',
  '{} may still be on {}: {}': '{1} に {0} が残っている可能性があります：{2}',
  'these databases are followed already ({}, since {}): "pgtrek follow" continues the move, "pgtrek cleanup" ends it, --name starts another one':
    'これらのデータベースは既に追従しています（{0}、{1} から）。"pgtrek follow" で続行し、"pgtrek cleanup" で終わらせます。--name で別の移行を開始できます',
  'an earlier attempt was interrupted while it copied rows: its snapshot no longer exists, so everything is copied again{}':
    '前回の実行は行のコピー中に中断されました。そのスナップショットはもうないので、すべてコピーし直します{0}',
  '{} is being copied according to this state directory, but the state on the servers is: {}. Nothing was changed. {}':
    '状態ディレクトリの記録では {0} をコピー中ですが、サーバーの状態は次のとおりです：{1}。何も変更していません。{2}',
  '{}; slot and publication are dropped when the server is available again':
    '{0}。スロットとパブリケーションは、サーバーに接続できるようになったら削除します',
  'slot and publication may still be there, "pgtrek cleanup" drops them: {}':
    'スロットとパブリケーションが残っている可能性があります。"pgtrek cleanup" で削除してください：{0}',
  '{} was attached, or published, since the copy and has rows: those from before are not in the stream':
    '{0} はコピーの後にアタッチまたは公開され、行があります。それ以前の行は変更として送られていません',
  '{} was not followed for a while (detached, or taken out of the publication): changes of that time are not in the stream':
    '{0} をしばらく追従していませんでした（デタッチされたか、パブリケーションから外されていました）。その間の変更は送られていません',
  '{} of the destination was dropped and created again: rows that were in it before may be missing':
    '移行先の {0} が削除され、作り直されました。以前の行が欠けている可能性があります',
  'the comparison while following finds both sides equal': '追従中の比較で両方が一致する',
  'Run "pgtrek recopy {}"; this is also resolved when {}':
    '"pgtrek recopy {0}" を実行してください。{1}場合にも解消します',
  'cleaned up; {} is still read-only': '片付けました。{0} は読み取り専用のままです',
  'cleaned up; {} and {} are still read-only': '片付けました。{0} と {1} は読み取り専用のままです',
  'changes flow from {} on ({} values, position kept as {})':
    '{0} から変更の受信を開始しました（値は {1}、位置の記録は {2}）',
  'changes flow back from {} on ({} values, position kept as {})':
    '{0} から変更の送り返しを開始しました（値は {1}、位置の記録は {2}）',
  'stopped: everything up to {} is on disk': '停止しました。{0} までディスクに書き込み済みです',
  'changes no longer flow back: everything up to {} is on disk':
    '送り返しを停止しました。{0} までディスクに書き込み済みです',
  '{} was switched over: the application belongs on {}. "pgtrek cleanup" removes what is left of it; {}':
    '{0} は切り替え済みです。アプリケーションは {1} に接続してください。"pgtrek cleanup" で残りを片付けます。{2}',
  '{} has returned: the application belongs on {}. "pgtrek cleanup" removes what is left of it':
    '{0} は戻りました。アプリケーションは {1} に接続してください。"pgtrek cleanup" で残りを片付けます',
  '{} has no such table': '{0} にこのテーブルはありません',
  'changes are not applied at the moment: {}': '今は変更を適用していません：{0}',
}
