// Findings of the preflight checks about following changes, and what to do.
import type { Messages } from '../messages.ts'

export const preflightFollow: Messages = {
  // the server
  logical: 'logical です',
  'it is {} on the source': '移行元では {0} です',
  'Set it to logical and restart the source.{}': 'logical に設定し、移行元を再起動してください。{0}',
  '{} of {} slots and {} of {} WAL senders are used':
    'スロット {1} のうち {0}、WAL 送信プロセス {3} のうち {2} を使用中です',
  'Drop unused slots, or raise the setting and restart the source.{}':
    '使っていないスロットを削除するか、設定を引き上げて移行元を再起動してください。{0}',
  '"{}" is a superuser': '"{0}" はスーパーユーザーです',
  '"{}" does not have REPLICATION': '"{0}" に REPLICATION がありません',
  '"{}" may not create a publication in "{}"': '"{0}" は "{1}" にパブリケーションを作れません',
  '"{}" may follow changes': '"{0}" は変更を追従できます',
  '"{}" may not follow changes': '"{0}" は変更を追従できません',
  'Connect as the owner of the tables, with the right to replication ({}).{}':
    'テーブルの所有者で、レプリケーションの権限のあるロールで接続してください（{0}）。{1}',
  'Connect as a superuser or as the owner of the tables, with REPLICATION.{}':
    'スーパーユーザー、またはテーブルの所有者で REPLICATION のあるロールで接続してください。{0}',
  ' The database belongs to "{}", a role of the provider: the right to create a publication in it cannot be granted. Let "{}" create the publication (--publication), or connect as that role.':
    'データベースの所有者は提供元のロール "{0}" で、パブリケーションを作る権限を付与できません。"{1}" にパブリケーションを作ってもらうか（--publication）、そのロールで接続してください。',
  'the administrator': '管理者',
  'a test connection succeeded (system {})': 'テスト接続に成功しました（システム {0}）',
  'a test connection failed: {}': 'テスト接続に失敗しました：{0}',
  'Allow it in pg_hba.conf (logical replication matches the line of the database, not "replication"), connect without a pooler, and give the role REPLICATION.':
    'pg_hba.conf で許可してください（論理レプリケーションには「replication」ではなくデータベースの行が適用されます）。プーラーを通さず接続し、ロールに REPLICATION を付与してください。',
  '"{}" may set session_replication_role': '"{0}" は session_replication_role を設定できます',
  '"{}" may not set session_replication_role on the destination: its triggers and foreign keys fire for every change':
    '"{0}" は移行先で session_replication_role を設定できません。変更のたびにトリガーと外部キーが動作します',
  'Connect as an administrator role with this right, if {} grants it; otherwise disable triggers that write. Rows that foreign keys with ON DELETE or ON UPDATE actions have already removed or changed are not a conflict if they have a primary key.{}':
    '{0} が認めていれば、この権限のある管理者ロールで接続してください。できなければ、書き込みをするトリガーを無効にしてください。外部キーの ON DELETE または ON UPDATE が既に削除・変更した行は、主キーがあれば競合になりません。{1}',
  'Connect as a superuser, or have one grant the right (15 and later); otherwise disable triggers that write. Rows that foreign keys with ON DELETE or ON UPDATE actions have already removed or changed are not a conflict if they have a primary key.{}':
    'スーパーユーザーで接続するか、権限を付与してもらってください（15 以降）。できなければ、書き込みをするトリガーを無効にしてください。外部キーの ON DELETE または ON UPDATE が既に削除・変更した行は、主キーがあれば競合になりません。{0}',
  ' A row that moves to another partition is a conflict while rows of other tables reference it: this destination would delete or change those rows.':
    '別のパーティションに移る行は、ほかのテーブルの行から参照されていると競合になります。この移行先が参照元の行を削除・変更するおそれがあるためです。',
  'in a replication origin of the destination': '移行先のレプリケーションオリジンに記録します',
  '"{}" may not create the schema pgtrek, or use the table position in it, where the position is stored':
    '"{0}" には、位置を記録するスキーマ pgtrek を作る権限、またはその position テーブルを使う権限がありません',
  'The database belongs to a role of the provider ({}), and the right cannot be granted: create a database of your own and use it as destination.':
    'データベースの所有者は提供元（{0}）のロールで、権限を付与できません。自分のデータベースを作り、移行先にしてください。',
  'Grant it the right.': '権限を付与してください。',
  '"{}" created it: clean up the move of that role first, or grant the rights on what it owns.':
    '"{0}" が作ったものです。先にそのロールの移行を片付けるか、所有するものへの権限を付与してもらってください。',
  'in the table pgtrek.position of the destination, which the cleanup drops':
    '移行先のテーブル pgtrek.position に記録します（片付けで削除されます）',
  '"{}" may not use replication origins: the position is stored in the table pgtrek.position instead, which the cleanup drops':
    '"{0}" はレプリケーションオリジンを使えません。代わりにテーブル pgtrek.position に記録します（片付けで削除されます）',
  'both directions can be followed': '両方向を追従できます',
  'the destination can be followed, too': '移行先も追従できます',
  'own changes could not be distinguished from changes that were applied from the other side':
    '自身の変更と、反対側から適用された変更を区別できません',
  'on the destination wal_level is {}, and {}: it cannot be followed':
    '移行先の wal_level は {0} です。{1}。移行先は追従できません',
  'Both directions need it: change the destination and restart it, or follow one direction only.':
    '両方向の追従に必要です。移行先の設定を変えて再起動するか、一方向だけを追従してください。',
  'Change the destination and restart it, or do without a return.':
    '移行先の設定を変えて再起動してください。そのままの場合、切り替え後に戻ることはできません。',

  // the source's log
  'without limit (PostgreSQL 12): watch the disk of the source':
    '上限なし（PostgreSQL 12）。移行元のディスクに注意してください',
  'without limit': '上限なし',
  "Watch the source's disk while the copy runs.": 'コピー中は移行元のディスクに注意してください。',
  'max_slot_wal_keep_size is {} on the source: if more WAL than that is written before it is read, the slot is lost and the migration must start again':
    '移行元の max_slot_wal_keep_size は {0} です。読み取る前にこれを超える WAL が書かれると、スロットが失われ、移行をやり直すことになります',
  'Raise it above the amount of WAL that is written during the copy, as far as the disk allows. Without a limit (-1), watch the disk of the source: it can fill up.{}':
    'ディスクの許す範囲で、コピー中に書かれる WAL の量より大きくしてください。上限なし（-1）にする場合は、移行元のディスクがいっぱいにならないよう注意してください。{0}',
  'no timeout': '時間制限なし',
  default: '既定値',
  'wal_sender_timeout is {} on the source: a short pause ends the stream':
    '移行元の wal_sender_timeout は {0} です。短い中断でもストリームが終了します',
  'PostgreSQL 12 does not have this setting': 'PostgreSQL 12 にこの設定はありません',
  'transactions of up to {} are decoded in memory': '{0} までのトランザクションをメモリーでデコードします',
  'logical_decoding_work_mem is {} on the source: larger transactions are written to its disk':
    '移行元の logical_decoding_work_mem は {0} です。これより大きなトランザクションはディスクに書き出されます',

  // tables
  'every table has one': 'すべてのテーブルにあります',
  'tables without a primary key or another replica identity':
    '主キーもほかのレプリカアイデンティティもないテーブルがあります',
  'Add a primary key, set a unique index over NOT NULL columns as replica identity, use REPLICA IDENTITY FULL (slow for large tables), or follow only inserts (--inserts-only). Partitions do not inherit it: set it for each, also for partitions that are created later.':
    '主キーを追加するか、NOT NULL のカラムの一意インデックスをレプリカアイデンティティにするか、REPLICA IDENTITY FULL にするか（大きなテーブルでは低速）、INSERT だけを追従してください（--inserts-only）。パーティションには継承されません。後で作るものも含めて、それぞれに設定してください。',
  'changes are followed in one direction': '一方向だけを追従します',
  'every table sends whole old rows': 'すべてのテーブルが変更前の行全体を送ります',
  'if both sides change the same row of these tables, it would differ afterwards, and this would not be reported':
    'これらのテーブルの同じ行を両側で変更すると、行が食い違ったまま報告されません',
  'Use REPLICA IDENTITY FULL on both sides. The WAL grows by the old row of each update and delete. Reset it after the migration. Partitions do not inherit it. A table with virtual generated columns cannot send whole rows: exclude it, or make the columns stored.':
    '両側で REPLICA IDENTITY FULL にしてください。UPDATE と DELETE のたびに変更前の行の分だけ WAL が増えます。移行後に元に戻してください。パーティションには継承されません。仮想生成列のあるテーブルは行全体を送れないため、除外するか、列を STORED にしてください。',
  'required for both directions': '両方向の追従に必要です',
  'their updates and deletes are slow if the table is large':
    '大きなテーブルでは UPDATE と DELETE の適用に時間がかかります',
  'If a table has a key, use the key as replica identity. Keep REPLICA IDENTITY FULL for a table without a key until it has a primary key: with another replica identity its updates and deletes would be rejected.':
    'キーのあるテーブルでは、キーをレプリカアイデンティティにしてください。キーのないテーブルは、主キーを追加するまで REPLICA IDENTITY FULL のままにしてください。ほかの設定では UPDATE と DELETE が拒否されます。',
  'rows are identified by generated columns, which PostgreSQL {} cannot send':
    'PostgreSQL {0} では送れない生成列で行を特定しています',
  'Set a unique index over other columns as replica identity, use REPLICA IDENTITY FULL (slow for large tables), or follow only inserts of these tables (--inserts-only).':
    'ほかのカラムの一意インデックスをレプリカアイデンティティにするか、REPLICA IDENTITY FULL にするか（大きなテーブルでは低速）、INSERT だけを追従してください（--inserts-only）。',
  'the destination computes them for every change': '変更のたびに移行先が計算します',
  'Make sure that it has the same expressions. Tables that this migration creates have them.':
    '移行先の式が同じであることを確認してください。この移行が作るテーブルは同じ式になります。',
  'the publication {} already exists': 'パブリケーション {0} は既にあります',
  '"{}" owns every table, or may act for its owner':
    '"{0}" はすべてのテーブルの所有者か、所有者として操作できます',
  '"{}" does not own these tables': '"{0}" はこれらのテーブルの所有者ではありません',
  'Connect as their owner, as a member of that role or as a superuser, or exclude them.':
    '所有者、そのロールのメンバー、またはスーパーユーザーで接続するか、除外してください。',
  'these tables can be copied as requested, but not followed':
    'これらのテーブルは指定どおりにコピーできますが、追従できません',
  'Remove the condition or the mapping, or exclude these tables here and copy them in a separate run.':
    '条件または対応付けを外すか、ここでは除外して別の移行でコピーしてください。',
  'these triggers fire on the destination for every row that is applied, with the search_path of the role there':
    'これらのトリガーは、適用される行ごとに、ロールの search_path で移行先で実行されます',
  'Make sure that their effects may happen twice and that the tables they write to are not followed. Otherwise let them fire only for ordinary sessions until the switchover: change them on the source before the copy, or on existing tables of the destination.':
    '処理が二重になってもよいこと、書き込み先のテーブルを追従していないことを確認してください。そうでなければ、切り替えまでは通常のセッションでだけ動くようにしてください。コピーの前に移行元で、または移行先の既存のテーブルで変更します。',
  'following would stop at the first change of these tables':
    'これらのテーブルの最初の変更で追従が止まります',
  'Let them act only for ordinary sessions until the switchover: change them on the source before the copy, and on existing tables of the destination.':
    '切り替えまでは通常のセッションでだけ動くようにしてください。コピーの前に移行元で、移行先に既にあるテーブルでも変更します。',
  'Have a superuser grant the right to set session_replication_role (15 and later), or disable the rules on the destination until the switchover. Tables of the source must not have such rules when they are copied.':
    'session_replication_role を設定する権限をスーパーユーザーに付与してもらうか（15 以降）、切り替えまで移行先のルールを無効にしてください。コピーの時点で、移行元のテーブルにこのようなルールがあってはなりません。',

  // what takes part in replication already
  'the source does not take part in logical replication': '移行元は論理レプリケーションに参加していません',
  'the source takes part in logical replication': '移行元は論理レプリケーションに参加しています',
  'Plan how its subscribers and its subscriptions continue after the migration: slots are not copied.':
    '移行後にサブスクライバーとサブスクリプションをどう続けるか決めておいてください。スロットは移行されません。',
  'slots of pgtrek are not in use': '使われていない pgtrek のスロットがあります',
  'Continue the move with "pgtrek follow", or end it with "pgtrek cleanup". If the move no longer exists, drop the slot.':
    '「pgtrek follow」で移行を再開するか、「pgtrek cleanup」で終了してください。移行がもうない場合はスロットを削除してください。',
  'the destination takes part in logical replication already':
    '移行先は既に論理レプリケーションに参加しています',
  'Disable its subscriptions for the duration of the migration, and make sure that its subscribers expect these rows.':
    '移行の間はサブスクリプションを無効にし、サブスクライバーにこれらの行が届いてよいか確認してください。',
}
