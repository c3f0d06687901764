// The responses that every route can have besides its own.
import { ApiError } from '../../shared/api.ts'

export const failures = {
  400: ApiError,
  401: ApiError,
  403: ApiError,
  404: ApiError,
  409: ApiError,
  413: ApiError,
  500: ApiError,
  507: ApiError,
}
