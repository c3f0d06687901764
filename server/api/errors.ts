// Turns every error into one typed answer, without a stack and without parts of the request.
import type { ApiError, ApiErrorKind } from '../../shared/api.ts'
import { PatternError } from '../../shared/pattern.ts'
import { ConditionFaulty, ConditionRefused } from '../catalog/conditions.ts'
import {
  Cancelled,
  ConnectFailed,
  ConnectionLost,
  errorInfo,
  PgtrekError,
  ServerError,
} from '../postgres/errors.ts'
import { StateUnusable } from '../store/state-database.ts'

/** Thrown if a request cannot be served; `path` is the invalid part of it. */
export class ApiFailure extends Error {
  readonly kind: ApiErrorKind
  readonly path: string | undefined

  constructor(kind: ApiErrorKind, message: string, path?: string) {
    super(message)
    this.kind = kind
    this.path = path
  }
}

export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 500 | 507

const statusOf: Partial<Record<ApiErrorKind, ErrorStatus>> = {
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method: 405,
  busy: 409,
  not_now: 409,
  too_large: 413,
  internal: 500,
  storage: 507,
}

export function statusFor({ error }: ApiError): ErrorStatus {
  return statusOf[error] ?? 400
}

/** For errors of the engine, the servers and the guard; undefined for a bug. */
export function apiErrorOf(error: unknown): ApiError | undefined {
  if (error instanceof ApiFailure) {
    return {
      error: error.kind,
      message: error.message,
      ...(error.path !== undefined && { path: error.path }),
    }
  }
  if (error instanceof ConnectFailed) {
    const { reason, message, sqlstate } = error
    return { error: reason, message, ...(sqlstate !== undefined && { sqlstate }) }
  }
  if (error instanceof ServerError) {
    const { message, sqlstate, detail, hint } = errorInfo(error)
    return {
      error: 'server',
      message,
      ...(sqlstate !== undefined && { sqlstate }),
      ...(detail !== undefined && { detail }),
      ...(hint !== undefined && { hint }),
      ...(error instanceof ConditionRefused && {
        path: '/where',
        ...(error.position !== undefined && { position: error.position }),
      }),
    }
  }
  if (error instanceof ConditionFaulty) {
    return { error: 'usage', message: error.message, path: '/where', position: error.position }
  }
  if (error instanceof ConnectionLost) return { error: 'closed', message: error.message }
  if (error instanceof Cancelled) return { error: 'cancelled', message: error.message }
  if (error instanceof StateUnusable) return { error: 'storage', message: error.message }
  if (error instanceof PgtrekError || error instanceof PatternError)
    return { error: 'usage', message: error.message }
  return undefined
}

/** The client learns only that there was a bug; the operator's log has the details. */
export const internalError: ApiError = {
  error: 'internal',
  message: 'internal error in pgtrek; see its console for details',
}
