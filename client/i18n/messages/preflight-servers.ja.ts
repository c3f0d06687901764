// Findings of the preflight checks about servers, rights, settings and sessions, and what to do.
import type { Messages } from '../messages.ts'

export const preflightServers: Messages = {
  none: 'なし',
  'there are none': 'ありません',
  'No action is needed.': '対処は不要です。',
  'this could not be checked: {}': '確認できませんでした：{0}',
  'Check it yourself, or connect as a role with the necessary rights.':
    '手作業で確認するか、必要な権限のあるロールで接続してください。',

  // versions and connections
  'from PostgreSQL {} to {}': 'PostgreSQL {0} から {1} へ',
  '{}: {} is the oldest supported version': '{0}：対応する最も古いバージョンは {1} です',
  'Use another tool for this server.': 'このサーバーには別のツールを使ってください。',
  '{}: this version of pgtrek supports up to {}': '{0}：この pgtrek は {1} まで対応しています',
  'Use a newer version of pgtrek.': '新しいバージョンの pgtrek を使ってください。',
  '{}: the destination is older': '{0}：移行先の方が古いバージョンです',
  'Choose a newer destination, or expect objects with newer features to fail one by one.':
    'より新しい移行先を選んでください。そのまま移行すると、新しい機能を使うオブジェクトは一つずつ失敗します。',
  'source and destination are the same database': '移行元と移行先が同じデータベースです',
  'Check host, port and database of both.': '両方のホスト、ポート、データベースを確認してください。',
  'source and destination are not the same': '移行元と移行先は別のデータベースです',
  'the destination is a standby': '移行先はスタンバイです',
  'Connect to its primary.': 'プライマリに接続してください。',
  'both are primaries': 'どちらもプライマリです',
  'the source is a standby, on which no publication can be created':
    '移行元はスタンバイで、パブリケーションを作れません',
  'the source is a standby that does not cancel queries (max_standby_streaming_delay = -1)':
    '移行元はスタンバイですが、問い合わせを取り消しません（max_standby_streaming_delay = -1）',
  'the source is a standby with max_standby_streaming_delay = {}':
    '移行元はスタンバイで、max_standby_streaming_delay = {0} です',
  'Connect to its primary, or set this to -1 while the copy runs; the standby then lags behind its primary.{}':
    'プライマリに接続するか、コピー中はこの設定を -1 にしてください。その間、スタンバイはプライマリより遅れます。{0}',
  'both servers are reached without a pooler': 'どちらのサーバーにもプーラーを通さず接続しています',
  'a connection pooler in session mode is between pgtrek and {}':
    '次との間にセッションモードの接続プーラーがあります：{0}',
  'the source at {}': '移行元 {0}',
  'the destination at {}': '移行先 {0}',
  source: '移行元',
  destination: '移行先',
  'A direct connection is safer: if pgtrek is killed, only the pooler resets its settings (PgBouncer: server_reset_query, which must not be empty).':
    '直接接続する方が安全です。pgtrek が強制終了された場合、設定を元に戻すのはプーラーだけです（PgBouncer では server_reset_query を空にしないでください）。',
  '{}: changes cannot be followed through it, since its server process would keep the slot or the position when pgtrek ends':
    '{0}。プーラーを通した追従はできません。pgtrek が終了しても、プーラーのサーバープロセスがスロットや位置を保持し続けるためです',
  'Connect to the PostgreSQL server directly.': 'PostgreSQL サーバーに直接接続してください。',
  'Correct the connection, then run the preflight checks again: no other check was run.':
    '接続を直してから、もう一度チェックしてください。ほかのチェックは実行していません。',
  "the destination's clock is {} s {} (measured to {} s)": '移行先の時計は {0} 秒{1}（測定の誤差 {2} 秒）',
  behind: '遅れています',
  ahead: '進んでいます',
  'Synchronize the clocks of both hosts with NTP.': '両方のホストの時計を NTP で合わせてください。',
  'the source as {}; the destination as {}': '移行元：{0}、移行先：{1}',
  '"{}" (PostgreSQL {}, {}, round trip {} ms)': '"{0}"（PostgreSQL {1}、{2}、往復 {3} ミリ秒）',
  'not encrypted': '暗号化なし',
  '{} of {} selected, and some names match nothing in the source':
    '{1}のうち {0} を選択しています。移行元に該当するもののない名前があります',
  'Correct these names: a run with them would be refused.':
    '名前を直してください。このままでは移行を開始できません。',
  'everything: {}': 'すべて：{0}',
  '{} of {} selected: only these are checked': '{1}のうち選択した {0} だけをチェックします',

  // settings
  '{} is set on the command line of the {}: change it to {} there.':
    '{0} は{1}の起動コマンドで指定されています。そこで {2} に変えてください。',
  '{}: set {}, {}.': '{0}：{2} {1} を設定してください。',
  'in the DB parameter group of the instance': 'インスタンスの DB パラメータグループで',
  'as database flags of the instance': 'インスタンスのデータベースフラグとして',
  'among the server parameters': 'サーバーパラメーターで',
  'with "supabase postgres-config update"': '「supabase postgres-config update」で',
  'in the settings of the project': 'プロジェクトの設定で',
  'in the advanced configuration of the service': 'サービスの詳細設定で',
  'through the API of the provider': '提供元の API で',
  'among the database parameters of the service': 'サービスのデータベースパラメーターで',
  'in the configuration parameters of the cluster': 'クラスターの構成パラメーターで',
  'in the advanced settings of the instance': 'インスタンスの詳細設定で',
  'in the DBMS settings of the cluster': 'クラスターの DBMS 設定で',
  'none that pgtrek cannot switch off for its own sessions':
    'pgtrek が自身のセッションで解除できないものはありません',
  'old_snapshot_threshold is {} on the source: reading fails with "snapshot too old" after that time':
    '移行元の old_snapshot_threshold は {0} です。それを過ぎると読み取りが「snapshot too old」で失敗します',
  'Switch it off for the duration of the migration (needs a restart).{}':
    '移行の間だけ無効にしてください（再起動が必要です）。{0}',
  'Raise it for the duration of the migration.{}': '移行の間だけ引き上げてください。{0}',

  // capacity
  '{} free on the {}, up to {} wanted': '{1}の空き {0}、必要なのは最大 {2}',
  '{}; limited by {}': '{0}（制限しているもの：{1}）',
  'the CONNECTION LIMIT of role "{}" on the {}': '{1}のロール "{0}" の CONNECTION LIMIT',
  'the CONNECTION LIMIT of database "{}" on the {}': '{1}のデータベース "{0}" の CONNECTION LIMIT',
  'End other sessions, or raise the limit (max_connections needs a restart).{}':
    'ほかのセッションを終了するか、上限を引き上げてください（max_connections の変更には再起動が必要です）。{0}',
  'Fewer workers will be used. Lower --workers and --index-workers, end other sessions, or raise the limit (max_connections needs a restart).{}':
    '並列数を減らして実行します。--workers と --index-workers を下げるか、ほかのセッションを終了するか、上限を引き上げてください（max_connections の変更には再起動が必要です）。{0}',
  'the source has {}': '移行元は {0}',
  'the selected objects take {}': '選択したものは {0}',
  '{}, about {} of it indexes; the destination needs up to {} of free space (its database has {} now; PostgreSQL does not report free space)':
    '{0}、そのうちインデックスが約 {1}。移行先には最大 {2} の空きが必要です（現在のデータベースは {3}。空き容量は PostgreSQL からは分かりません）',
  '{}; its temp_file_limit of {} is less than the build of the largest index needs':
    '{0}。移行先の temp_file_limit は {1} で、最大のインデックスの作成に足りません',
  'Raise temp_file_limit on the destination for the duration of the migration.{}':
    '移行の間だけ、移行先の temp_file_limit を引き上げてください。{0}',
  "Compare it with the free space on the destination's host (df).":
    '移行先のホストの空き容量（df）と比べてください。',
  '{n} on the {}, room for {n}': '{1}に{0}、余裕は{2}',
  'Raise max_locks_per_transaction (needs a restart).{}':
    'max_locks_per_transaction を引き上げてください（再起動が必要です）。{0}',
  'the destination allows {}, each build uses up to {}':
    '移行先で使えるのは{0}、作成ごとに使うのは最大 {1} 個です',
  '{}: large indexes take longer': '{0}。大きなインデックスに時間がかかります',
  'Raise max_worker_processes (needs a restart) and max_parallel_workers on the destination.{}':
    '移行先の max_worker_processes（再起動が必要です）と max_parallel_workers を引き上げてください。{0}',

  // sessions
  'none, of those visible to "{}" (grant pg_read_all_stats to see all)':
    '"{0}" から見える範囲ではありません（すべてを見るには pg_read_all_stats を付与してください）',
  'the source has long-running transactions': '移行元に長時間のトランザクションがあります',
  'Wait for them to end before the migration, or terminate them.':
    '移行の前に終わるのを待つか、強制終了してください。',
  'sessions hold or wait for ACCESS EXCLUSIVE locks on tables':
    'テーブルの ACCESS EXCLUSIVE ロックを保持または待機しているセッションがあります',
  'Wait for them to end (see pg_stat_activity), or terminate them.':
    '終わるのを待つか（pg_stat_activity で確認できます）、強制終了してください。',
  'transactions are prepared but not finished: the replication slot is created only after the last of them has ended':
    '準備されたまま終わっていないトランザクションがあります。すべて終わるまでレプリケーションスロットは作られません',
  'transactions are prepared but not finished': '準備されたまま終わっていないトランザクションがあります',
  'Ask the owner of each whether to commit it or to roll it back, and do so in its database.':
    'コミットするかロールバックするかを所有者に確認し、そのデータベースで実行してください。',
  'other runs of pgtrek are in progress in this database': 'このデータベースでほかの pgtrek が動作中です',
  'Wait for them to end (--wait does so), or choose other tables.':
    '終わるのを待つか、ほかのテーブルを選んでください。',

  // rights
  '"{}" may read everything': '"{0}" はすべてを読み取れます',
  '"{}" may not read everything{}': '"{0}" には読み取れないものがあります{1}',
  ', and PostgreSQL {} cannot be dumped while a sequence may not be read':
    '。PostgreSQL {0} では、読み取れないシーケンスがあるとダンプできません',
  'Grant the right to read, or connect as an owner or a superuser.':
    '読み取りの権限を付与するか、所有者またはスーパーユーザーで接続してください。',
  'rows are copied into existing tables': '既存のテーブルに行をコピーします',
  '"{}" may create objects': '"{0}" はオブジェクトを作れます',
  '"{}" may not create any objects': '"{0}" はオブジェクトを作れません',
  '"{}" may not create objects everywhere': '"{0}" がオブジェクトを作れない場所があります',
  'Have the owner grant it.{}': '所有者に権限を付与してもらってください。{0}',
  ' Rights on objects of a provider role ({}) cannot be granted: create a database of your own and use it as destination.':
    '提供元（{0}）のロールが所有するものへの権限は付与できません。自分のデータベースを作り、移行先にしてください。',
  '"{}" may change the destination database': '"{0}" は移行先のデータベースを変更できます',
  'the destination database belongs to "{}": its settings, comment and grants stay as they are':
    '移行先のデータベースの所有者は "{0}" です。設定、コメント、権限は変わりません',
  'The owner is a role of the provider ({}) and cannot be changed: create a database of your own and use it as destination.':
    '所有者は提供元（{0}）のロールで、変更できません。自分のデータベースを作り、移行先にしてください。',
  'Connect as its owner, or make the connecting role its owner.':
    '所有者で接続するか、接続するロールを所有者にしてください。',
  'no objects are created': 'オブジェクトは作りません',
  '"{}" is a superuser on the destination': '"{0}" は移行先のスーパーユーザーです',
  '"{}" is not a superuser on the destination{}': '"{0}" は移行先のスーパーユーザーではありません{1}',
  'Check which of these the provider allows; do without the others.':
    '提供元が許可しているものを確認してください。ほかは使えません。',
  'Connect there as a superuser, or do without these objects.':
    '移行先にスーパーユーザーで接続するか、これらのオブジェクトなしで移行してください。',
  'no policy applies to the connecting roles': '接続するロールに適用されるポリシーはありません',
  'policies apply to {}: these tables will fail':
    'ポリシーが適用されるため、これらのテーブルは失敗します（{0}）',
  '"{}" on the {}': '{1}の "{0}"',
  'Connect as a superuser, as the owner, or as a role with BYPASSRLS.':
    'スーパーユーザー、所有者、または BYPASSRLS のあるロールで接続してください。',
  'a move of pgtrek keeps it read-only': 'pgtrek の移行が読み取り専用にしています',
  'new sessions can write': '新しいセッションは書き込めます',
  '{} is on {}; pgtrek writes there anyway': '{1} {0} が on です。pgtrek はそれでも書き込みます',
  'Check that this is the right server. If it is, reset the setting before applications use it.':
    '正しいサーバーか確認してください。正しければ、アプリケーションが使う前に設定を戻してください。',
  'in the configuration of the server': 'サーバーの設定で',
  'for the database {}': 'データベース {0} で',
  'for the role {} in the database {}': 'データベース {1} のロール {0} で',
  'for the role {}': 'ロール {0} で',

  // roles and tablespaces
  'owners and grants are not migrated': '所有者と権限は移行しません',
  '{}: "{}" is not a member of it': '{0}："{1}" はこのロールのメンバーではありません',
  '{}: does not exist': '{0}：存在しません',
  'no other role is used': 'ほかのロールは使われていません',
  'all roles that are used exist there': '使われているロールはすべて移行先にあります',
  'the destination lacks roles that own objects or have grants':
    'オブジェクトを所有する、または権限を持つロールが移行先にありません',
  '"{}" may not assign objects to all of their owners':
    '"{0}" には、一部の所有者をオブジェクトに設定する権限がありません',
  'Run "pgtrek roles" first, which migrates them with their rights, or use --no-owner and --no-acl.{}':
    '先に「pgtrek roles」を実行するとロールを権限とともに移行できます。または --no-owner と --no-acl を指定してください。{0}',
  ' Roles of PostgreSQL itself or of a provider can be neither created nor granted: their objects will belong to the connecting role.':
    'PostgreSQL 自身や提供元のロールは、作成も付与もできません。そのオブジェクトは接続するロールの所有になります。',
  'tablespaces are not migrated': 'テーブル空間は移行しません',
  'only the default one is used': '既定のものだけが使われています',
  'all exist there': 'すべて移行先にあります',
  'the destination lacks some': '移行先にないものがあります',
  "Create them on the destination (CREATE TABLESPACE ... LOCATION, with an empty directory of the server's user), or use --no-tablespaces to create everything in the default one.":
    '移行先に作るか（CREATE TABLESPACE ... LOCATION。サーバーのユーザーが所有する空のディレクトリーを指定）、--no-tablespaces ですべてを既定のテーブル空間に作ってください。',
}
