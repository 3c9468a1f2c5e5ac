# passthru, on nixpkgs' own Python packages.
{ lib, python3Packages, installShellFiles, nginx, cacert, stdenv }:
let
  source = ../.;
  used = [ "passthru" "templates" "pyproject.toml" "README.md" "LICENSE" ];
  initFile = builtins.readFile ../passthru/__init__.py;
  version = builtins.head (builtins.match ".*__version__[^\"]*\"([^\"]+)\".*" initFile);
in
python3Packages.buildPythonApplication {
  pname = "passthru";
  inherit version;
  pyproject = true;

  src = lib.cleanSourceWith {
    name = "passthru-source";
    src = source;
    filter = path: _: lib.any (name: path == toString source + "/${name}" || lib.hasPrefix (toString source + "/${name}/") path) used
      && !lib.hasInfix "__pycache__" path;
  };

  build-system = [ python3Packages.hatchling ];
  dependencies = with python3Packages; [
    click
    cryptography
    jinja2
    prometheus-client
    pydantic
    starlette
    typing-extensions
    uvicorn
    zeroconf
  ];

  nativeBuildInputs = [ installShellFiles ];

  # Both can be set to others; without them it needs no nginx on PATH.
  makeWrapperArgs = [
    "--set-default PASSTHRU_NGINX ${lib.getExe nginx}"
    "--set-default NIX_SSL_CERT_FILE ${cacert}/etc/ssl/certs/ca-certificates.crt"
  ];

  # The tests drive real nginxes and Nixes, which a sandbox has not: they run in the project's own CI.
  doCheck = false;
  pythonImportsCheck = [ "passthru" "passthru.cli.app" ];

  postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    export PYTHONPATH="$out/${python3Packages.python.sitePackages}:$PYTHONPATH"
    run() { ${python3Packages.python.interpreter} -m passthru "$@"; }
    run man >passthru.1
    installManPage passthru.1
    for shell in bash zsh fish; do
      run completion $shell >passthru.$shell
    done
    installShellCompletion --cmd passthru --bash passthru.bash --zsh passthru.zsh --fish passthru.fish
  '';

  meta = {
    description = "A network's own copy of the Nix binary caches it uses";
    license = lib.licenses.mit;
    mainProgram = "passthru";
    platforms = lib.platforms.unix;
  };
}
