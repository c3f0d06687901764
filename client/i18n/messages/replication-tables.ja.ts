// The server's messages about tables and columns that change while they are followed.
import type { Messages } from '../messages.ts'

export const replicationTableMessages: Messages = {
  'column {} may be {} under a new name, which cannot be distinguished from one column dropped and one added: if so, run instead: alter table {} rename column {} to {}':
    'カラム {0} は {1} の名前が変わったものかもしれません（削除して追加した場合と区別できません）。その場合は代わりに実行してください：alter table {2} rename column {3} to {4}',
  'column {} is part of the key on the source and missing on the destination: fix this by hand, rows cannot be identified without it':
    'カラム {0} は移行元ではキーの一部ですが、移行先にありません。これがないと行を特定できないため、手作業で直してください',
  'column {} is of type {}, which the destination does not have: create it first':
    'カラム {0} の型 {1} が移行先にありません。先に作成してください',
  'column {} is virtual on the source; PostgreSQL {} stores it':
    'カラム {0} は移行元では仮想の生成カラムですが、PostgreSQL {1} では格納されます',
  'column {} is NOT NULL on the source, but older rows get their values only with changes that are not applied yet: before the switchover run alter table {} alter column {} set not null':
    'カラム {0} は移行元で NOT NULL ですが、古い行の値は未適用の変更で届きます。切り替えの前に実行してください：alter table {1} alter column {2} set not null',
  'column {} has a sequence of its own ({}.{}), which is new: it is set to the current value of the source, and has to be set again at the switchover':
    'カラム {0} には専用の新しいシーケンス（{1}.{2}）があります。移行元の現在の値に設定しますが、切り替え時にもう一度設定が必要です',
  'generated column {} is {} on the source and {} on the destination: create it again by hand':
    '生成カラム {0} は移行元では {1}、移行先では {2} です。手作業で作り直してください',
  'column {} is {} on the source and stays {} on the destination, which accepts all its values':
    'カラム {0} は移行元では {1} ですが、移行先はすべての値を受け付ける {2} のままにします',
  'column {} is {} on the source and {} on the destination: values could be lost. To change it anyway, run: {}':
    'カラム {0} は移行元では {1}、移行先では {2} です。値が失われるおそれがあります。それでも変更する場合は実行してください：{3}',
  'the values of column {} in older rows are not in the stream, and {} is identified by all of its columns: compare it at the end, or copy it again':
    'カラム {0} の古い行の値は変更として送られず、{1} は全カラムで行を特定しています。最後に比較するか、コピーし直してください',
  'the values of column {} in older rows are not in the stream, and {} has no key to fetch them by: compare it at the end, or copy it again':
    'カラム {0} の古い行の値は変更として送られず、{1} には値を取得するためのキーがありません。最後に比較するか、コピーし直してください',
  'column {} was dropped or renamed on the source, or exists only on the destination: it is kept there. When it is no longer needed, run: alter table {} drop column {}':
    'カラム {0} は移行元で削除または改名されたか、移行先だけにあります。移行先では残します。不要であれば実行してください：alter table {1} drop column {2}',
  'the destination has no such table: if it has another name there, rename it and retry; otherwise "pgtrek recopy {}.{}" creates it and copies its rows':
    '移行先にこのテーブルがありません。移行先で別の名前であれば、名前を変えてもう一度試してください。なければ "pgtrek recopy {0}.{1}" で作成し、行をコピーできます',
  'rule {} of the destination\'s table would act on applied changes: "alter table {} disable rule {}" until the switchover, then retry':
    '移行先のテーブルのルール {0} が、適用する変更に作用します。切り替えまで "alter table {1} disable rule {2}" で無効にしてから、もう一度試してください',
  'the destination lacks column {}, which the source has': '移行元にあるカラム {0} が移行先にありません',
  'column {} is computed by the destination, but the source sends values for it':
    'カラム {0} は移行先では生成カラムですが、移行元から値が送られています',
  'column {} has another type on the source than on the destination ({})':
    'カラム {0} の型が移行元と移行先（{1}）で異なります',
  'column {} was dropped on the source, and on the destination it must not be null and has no default':
    'カラム {0} は移行元で削除されましたが、移行先では NULL にできず、既定値もありません',
  'column {} was added': 'カラム {0} が追加されました',
  'column {} has another type': 'カラム {0} の型が変わりました',
  'column {} was dropped or renamed': 'カラム {0} が削除または改名されました',
  'its replica identity has changed': 'REPLICA IDENTITY が変わりました',
  'its key is now {}': 'キーが {0} になりました',
  'it is now named {}.{}': '名前が {0}.{1} になりました',
  'the source no longer has table {}: it was dropped or renamed, and is kept on the destination':
    '移行元にテーブル {0} がありません。削除または改名されています。移行先のものは残します',
  'the destination has no table {}: if it has another name there, rename it and retry; otherwise "pgtrek recopy {}" creates it and copies its rows':
    '移行先にテーブル {0} がありません。移行先で別の名前であれば、名前を変えてもう一度試してください。なければ "pgtrek recopy {1}" で作成し、行をコピーできます',
  '{}.{} has no key to fetch the values of {} by: compare it at the end':
    '{0}.{1} には {2} の値を取得するためのキーがありません。最後に比較してください',
  '{}.{} is partitioned on the destination only: its other partitions get the column too; compare them at the end':
    '{0}.{1} は移行先だけで分割されています。ほかのパーティションにもカラムを追加します。最後に比較してください',
  '{} is on the source only, and is not created: {}': '{0} は移行元だけにあり、作成しません：{1}',
  '{}.{} is a new partition: rows that were in it before it was attached are not in the stream and have to be copied; rows inserted since are':
    '{0}.{1} は新しいパーティションです。アタッチ前にあった行は変更として送られないので、コピーが必要です。それ以降に挿入された行は送られます',
  '{}.{} is no longer a partition on the source, and its changes are not sent: it remains a partition on the destination. To do the same there: alter table {} detach partition {}':
    '{0}.{1} は移行元ではパーティションでなくなり、変更が送られていません。移行先ではパーティションのままです。移行先でも同じにする場合：alter table {2} detach partition {3}',
}
