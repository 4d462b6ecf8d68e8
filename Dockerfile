# The operator, and nothing else: docker build --tag vnet-operator .
# .git is part of the context, so that the binary knows its commit.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cp "$(tools/static --release)" /vnet && strip /vnet

FROM scratch
COPY --from=build /vnet /vnet
USER 65532:65532
ENTRYPOINT ["/vnet"]
CMD ["run"]
