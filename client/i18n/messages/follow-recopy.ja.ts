// The server's messages about tables that are copied again.
import type { Messages } from '../messages.ts'

export const followRecopyMessages: Messages = {
  'a subscription of the destination copies and follows here (--engine native): drop the table from the publication, refresh the subscription, empty the table, add it again and refresh once more; or start again with "pgtrek cleanup" and "pgtrek clone --follow"':
    '移行先のサブスクリプションがコピーと追従を行っています（--engine native）。テーブルをパブリケーションから外し、サブスクリプションを更新し、テーブルを空にし、もう一度追加して更新してください。または "pgtrek cleanup" と "pgtrek clone --follow" で最初からやり直してください',
  'changes flow both ways: rows that are copied to the destination would flow back as changes. "pgtrek compare" names the rows that differ':
    '双方向に変更が流れているため、移行先にコピーした行が変更として送り返されます。異なる行は "pgtrek compare" で確認できます',
  'it was switched over: clients have, or may have, written to the destination, and rows that are copied again would replace theirs':
    '切り替え済みです。クライアントが移行先に書き込んだ可能性があり、コピーし直すとその行が置き換えられます',
  'no table of this move is named {}. Nothing was changed':
    'この移行に {0} という名前のテーブルはありません。何も変更していません',
  'the copy of this move added its rows to those that the destination had (append or upsert): copying a table again would delete them all. Nothing was changed':
    'この移行のコピーは、移行先にあった行に追加しました（append または upsert）。テーブルをコピーし直すと、それらがすべて削除されます。何も変更していません',
  'how this move was started is not known here, so name the tables: their rows on the destination are deleted before they are copied again. Nothing was changed':
    'この移行の開始時の設定がここではわからないので、テーブルを指定してください。移行先の行は、コピーし直す前に削除します。何も変更していません',
  '{} of the destination is called {} on the source now: rename it there first (readiness shows how), then try again. Nothing was changed':
    '移行先の {0} は、移行元では {1} という名前になりました。先に移行先の名前を変えてから（方法は切り替え可否に表示）、もう一度実行してください。何も変更していません',
  'the publication {} sends the changes of {} as those of its partitioned table (publish_via_partition_root): it cannot be copied again on its own. Nothing was changed':
    'パブリケーション {0} は {1} の変更を親のパーティションテーブルの変更として送ります（publish_via_partition_root）。単独ではコピーし直せません。何も変更していません',
  'the publication {} does not contain {}: run "alter publication {} add table ..." on the source, then try again. Nothing was changed':
    'パブリケーション {0} に {1} が含まれていません。移行元で "alter publication {2} add table ..." を実行してから、もう一度実行してください。何も変更していません',
  '{} is unlogged: its changes cannot be followed': '{0} は UNLOGGED です。変更を追従できません',
  ', or run there: {};': '。または移行元で次を実行してください：{0};',
  '{} has no primary key, and no other replica identity: its changes cannot be followed. Add one on the source{} then try again. Nothing was changed':
    '{0} には主キーがなく、ほかの REPLICA IDENTITY もないため、変更を追従できません。移行元で追加してください{1} その後、もう一度実行してください。何も変更していません',
  '{}. Nothing was changed': '{0}。何も変更していません',
  '{} would have to be copied with them, but was not requested':
    '{0} も一緒にコピーする必要がありますが、指定されていません',
  '{} is not on the destination, where its rows would go into {}: their changes could not be followed. Create the same partitions there':
    '{0} は移行先になく、その行は {1} に入るため、変更を追従できません。移行先に同じパーティションを作成してください',
  '{} of the destination would be lost': '移行先の {0} が失われます',
  'foreign key {} of {} was created': '{1} の外部キー {0} を作成しました',
  'foreign key {} of {} cannot be created on {}: {}': '{1} の外部キー {0} を {2} に作成できません：{3}',
  'added to the publication {}: {}': 'パブリケーション {0} に追加しました：{1}',
  'another table of the source got this name while it was copied: run "pgtrek recopy" again':
    'コピー中に、移行元の別のテーブルがこの名前になりました。"pgtrek recopy" をもう一度実行してください',
  'it was being copied again, and that was not completed: run "pgtrek recopy" again':
    'コピーし直していましたが、完了していません。"pgtrek recopy" をもう一度実行してください',
  'the comment on the publication {} still says that tables are missing: {}':
    'パブリケーション {0} のコメントに、テーブルが欠けているという記録が残っています：{1}',
  'changes of {}.{} are sent and not applied': '{0}.{1} の変更が送られていますが、適用していません',
  '{n} copied again and followed: {}': '{0}をコピーし直し、追従しています：{1}',
  '{} failed again: {}': '{0} のコピーが再び失敗しました：{1}',
  'there is no conflict about a table, and no table with changed columns is known':
    'テーブルについての競合はなく、カラムが変わったテーブルもわかっていません',
}
