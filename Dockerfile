# pgtrek alone on a base that has nothing but a C library: no shell, no package manager, no root.
FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node scripts/setup.mjs && npm run compile && mkdir -p /data

FROM gcr.io/distroless/base-nossl-debian12:nonroot
COPY --from=build /build/dist/pgtrek /usr/local/bin/pgtrek
COPY --from=build --chown=65532:65532 /data /data
WORKDIR /data
USER 65532:65532
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/usr/local/bin/pgtrek", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/pgtrek"]
# Beyond its own machine pgtrek wants a token: PGTREK_TOKEN, or the one that it prints when it starts.
CMD ["serve", "--host", "0.0.0.0"]
