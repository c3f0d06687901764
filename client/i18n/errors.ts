// Kinds of errors in Japanese, by the API's code. The server's message is shown below, unchanged.
import type { ApiErrorKind } from '../../shared/api.ts'

export const japaneseErrors: Record<ApiErrorKind, string> = {
  usage: '入力または指定に誤りがあります。',
  forbidden: 'この操作は許可されていません。',
  unauthorized: 'この pgtrek を使うにはトークンが必要です。',
  not_found: '指定されたものが見つかりません。',
  method: 'この操作はできません。',
  busy: 'ほかの処理が実行中です。終わるのを待つか、中断してください。',
  not_now: '現在の状態ではこの操作はできません。',
  too_large: '送信する内容が大きすぎます。',
  host: 'ホスト名が見つかりません。ホストの入力を確認してください。',
  refused: '接続が拒否されました。ホストとポートの入力、サーバーが動いているかを確認してください。',
  timeout: '時間内に応答がありませんでした。ホストとポートの入力、ファイアウォールを確認してください。',
  tls: '暗号化した接続ができませんでした。「SSL とその他」の SSL モードを確認してください。',
  certificate: 'サーバー証明書を確認できませんでした。「SSL とその他」の証明書を確認してください。',
  login: 'ログインできませんでした。ユーザーとパスワードの入力を確認してください。',
  database: 'データベースに接続できませんでした。データベース名の入力を確認してください。',
  limit: '接続数の上限に達しています。不要な接続を終了してから再試行してください。',
  pooler: '接続プーラーがセッションごとのサーバープロセスを維持しません。サーバーに直接接続してください。',
  closed: 'サーバーが接続を切断しました。',
  server: 'サーバーがエラーを返しました。',
  cancelled: '中断しました。',
  internal: 'pgtrek の内部エラーです。詳細は pgtrek を起動した端末に表示されています。',
  storage: 'pgtrek の状態を保存できません。ディスクの空き容量と権限を確認してください。',
}
