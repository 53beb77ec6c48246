FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/respkv && /opt/respkv/bin/pip install --no-cache-dir .

FROM python:3.13-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 999 respkv && useradd --uid 999 --gid 999 --no-create-home respkv \
    && mkdir /data && chown respkv:respkv /data
COPY --from=build /opt/respkv /opt/respkv
ENV PATH=/opt/respkv/bin:$PATH
USER respkv
WORKDIR /data
VOLUME /data
EXPOSE 6379
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s CMD ["respkv", "healthcheck"]
ENTRYPOINT ["tini", "--", "respkv"]
CMD ["server", "--bind", "0.0.0.0", "--dir", "/data"]
