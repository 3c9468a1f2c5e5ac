# A stand-in for as much of nixpkgs' lib as the module uses, for machines without nixpkgs: enough of the
# module system to merge definitions by type and priority, and the plain functions. Of our own making.
let
  inherit (builtins) attrNames concatLists concatStringsSep elemAt filter foldl' genList hasAttr head isAttrs isBool
    isFunction isInt isList isPath isString length listToAttrs map mapAttrs match stringLength substring tail;

  tagged = tag: value: isAttrs value && value._type or null == tag;
  show = path: concatStringsSep "." path;
  normal = 100;

  # --- properties: mkIf and its kin ------------------------------------------------------------------

  # The attribute sets that a property-laden value stands for, each with its conditions pushed inward, so
  # that a condition is looked at only where the value of one option is.
  spread = value:
    if tagged "merge" value then concatLists (map spread value.contents)
    else if tagged "if" value then map (mapAttrs (_: content: value // { inherit content; })) (spread value.content)
    else if tagged "override" value || tagged "order" value
    then map (mapAttrs (_: content: value // { inherit content; })) (spread value.content)
    else [ value ];

  # The definitions that hold, as { value, priority, order }.
  settle = rank: value:
    if tagged "merge" value then concatLists (map (settle rank) value.contents)
    else if tagged "if" value then (if value.condition then settle rank value.content else [ ])
    else if tagged "override" value then settle (rank // { inherit (value) priority; }) value.content
    else if tagged "order" value then settle (rank // { order = value.priority; }) value.content
    else [ (rank // { inherit value; }) ];

  strongest = definitions:
    let top = foldl' (least: d: if d.priority < least then d.priority else least) 9999 definitions;
    in map (d: d.value) (builtins.sort (a: b: a.order < b.order) (filter (d: d.priority == top) definitions));

  # --- types: a name, a check and a way to merge -----------------------------------------------------

  one = path: values:
    let first = head values;
    in if builtins.all (value: value == first) values then first
      else throw "The option `${show path}' has conflicting definition values";
  type = name: check: merge: { inherit name check merge; _type = "option-type"; };
  plain = name: check: type name check one;
  elements = element: path: index: value: (resolve (path ++ [ "[${toString index}]" ]) element [ value ]).value;

  types = rec {
    bool = plain "boolean" isBool;
    int = plain "signed integer" isInt;
    str = plain "string" isString;
    lines = type "strings concatenated with \"\\n\"" isString (_: concatStringsSep "\n");
    port = plain "16 bit unsigned integer; between 0 and 65535 (both inclusive)" (v: isInt v && v >= 0 && v < 65536);
    path = plain "path" (v: isPath v || isString v && substring 0 1 v == "/" || isAttrs v && v ? outPath);
    package = plain "package" (v: isAttrs v && v ? outPath);
    anything = type "anything" (_: true) deepMerge;
    unspecified = anything;
    enum = values: plain "one of ${concatStringsSep ", " (map (v: "\"${v}\"") values)}" (v: builtins.elem v values);
    nullOr = element: inside "" element (type "null or ${element.name}" (v: v == null || element.check v)
      (path: values: if builtins.all (v: v == null) values then null else element.merge path (filter (v: v != null) values)));
    listOf = element: inside "*" element (type "list of ${element.name}" isList
      (path: values: lib.imap0 (elements element path) (concatLists values)));
    attrsOf = element: type "attribute set of ${element.name}" isAttrs (path: values:
      let sets = concatLists (map spread values);
      in lib.filterAttrs (_: v: !(tagged "absent" v)) (mapAttrs (name: found:
        let r = resolve (path ++ [ name ]) element found; in if r.defined then r.value else absent
      ) (builtins.zipAttrsWith (_: vs: vs) sets)));
    submodule = module: type "submodule" (v: isAttrs v || isFunction v)
      (path: values: (evaluate { modules = [ module ] ++ values; args = { }; inherit path; }).config)
      // { nested = { at = ""; inherit (evaluate { modules = [ module ]; args = { }; }) options; }; };
    either = a: b: type "${a.name} or ${b.name}" (v: a.check v || b.check v)
      (path: values: (if builtins.all a.check values then a else b).merge path values);
  };
  inside = at: element: outer: outer // lib.optionalAttrs (element ? nested) { nested = element.nested // { at = at; }; };
  absent = { _type = "absent"; };

  deepMerge = path: values:
    let first = head values; in
    if builtins.all isList values then concatLists values
    else if builtins.all (v: isAttrs v && !(v ? outPath)) values then (types.attrsOf types.anything).merge path values
    else one path values;

  # The value of one option or element, from all that was written for it.
  resolve = path: element: written:
    let
      held = strongest (concatLists (map (settle { priority = normal; order = 1000; }) written));
      bad = filter (v: !element.check v) held;
    in {
      defined = held != [ ];
      value = if bad == [ ] then element.merge path held
        else throw "A definition for option `${show path}' is not of type `${element.name}'.";
    };

  # --- modules ---------------------------------------------------------------------------------------

  evaluate = { modules, args, path ? [ ] }:
    let
      load = module:
        let
          opened = if isPath module || isString module then import module else module;
          made = if isFunction opened then opened (args // { inherit lib config options; }) else opened;
          structured = made ? config || made ? options;
        in concatLists (map load (made.imports or [ ])) ++ [ {
          options = made.options or { };
          freeform = made.freeformType or null;
          config = if structured then made.config or { } else removeAttrs made [ "imports" "freeformType" ];
        } ];
      loaded = concatLists (map load modules);
      options = foldl' join { } (map (m: m.options) loaded);
      join = a: b: a // mapAttrs (name: value:
        if !hasAttr name a then value
        else if tagged "option" value || tagged "option" a.${name} then throw "The option `${name}' is declared twice."
        else join a.${name} value) b;
      freeform = foldl' (found: m: if m.freeform != null then m.freeform else found) null loaded;
      settled = tree path options freeform (concatLists (map (m: spread m.config) loaded));
      config = settled;
    in { inherit config options; };

  # One level of options, with all sets that were written for it.
  tree = path: options: freeform: written:
    let
      by = builtins.zipAttrsWith (_: vs: vs) written;
      known = mapAttrs (name: option:
        let here = path ++ [ name ]; found = by.${name} or [ ]; in
        if tagged "option" option then value here option found
        else tree here option freeform (concatLists (map spread found))) options;
      strange = removeAttrs by (attrNames options);
      free = (types.attrsOf freeform).merge path (map (name: { ${name} = { _type = "merge"; contents = strange.${name}; }; }) (attrNames strange));
    in
      if strange == { } then known
      else if freeform != null then free // known
      else throw "The option `${show (path ++ [ (head (attrNames strange)) ])}' does not exist.";

  value = path: option: written:
    let
      default = if option ? default then [ (lib.mkOptionDefault option.default) ] else [ ];
      r = resolve path (option.type or types.anything) (default ++ written);
    in (option.apply or (v: v)) (if r.defined then r.value
      else throw "The option `${show path}' is used but not defined.");

  lib = rec {
    inherit types;
    inherit (builtins) all any attrNames attrValues concatLists concatMap concatStringsSep elem elemAt filter foldl'
      genList hasAttr head isAttrs isBool isFunction isInt isList isString length listToAttrs map mapAttrs replaceStrings
      stringLength substring tail toJSON;

    mkOption = declared: declared // { _type = "option"; };
    mkEnableOption = what: mkOption {
      type = types.bool; default = false; example = true; description = "Whether to enable ${what}.";
    };
    mkIf = condition: content: { _type = "if"; inherit condition content; };
    mkMerge = contents: { _type = "merge"; inherit contents; };
    mkOverride = priority: content: { _type = "override"; inherit priority content; };
    mkOptionDefault = mkOverride 1500;
    mkDefault = mkOverride 1000;
    mkForce = mkOverride 50;
    mkOrder = priority: content: { _type = "order"; inherit priority content; };
    mkBefore = mkOrder 500;
    mkAfter = mkOrder 1500;
    literalExpression = text: { _type = "literalExpression"; inherit text; };
    evalModules = { modules, specialArgs ? { } }: evaluate { inherit modules; args = specialArgs; };

    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: values: if condition then values else [ ];
    optionalString = condition: text: if condition then text else "";
    optionalAttrs = condition: set: if condition then set else { };
    imap0 = f: list: genList (i: f i (elemAt list i)) (length list);
    nameValuePair = name: value: { inherit name value; };
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
    recursiveUpdate = a: b: a // mapAttrs (name: v: if isAttrs v && isAttrs (a.${name} or null) then recursiveUpdate a.${name} v else v) b;
    concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    hasInfix = part: text: builtins.length (builtins.split (escapeRegex part) text) > 1;
    escapeRegex = replaceStrings [ "." "[" "]" "*" "+" "?" "(" ")" "|" ] [ "\\." "\\[" "\\]" "\\*" "\\+" "\\?" "\\(" "\\)" "\\|" ];
    removePrefix = prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
    removeSuffix = suffix: text:
      let rest = stringLength text - stringLength suffix;
      in if rest >= 0 && substring rest (-1) text == suffix then substring 0 rest text else text;
    toLower = replaceStrings (chars "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (chars "abcdefghijklmnopqrstuvwxyz");
    chars = text: genList (i: substring i 1 text) (stringLength text);
    versionAtLeast = have: want: builtins.compareVersions have want >= 0;
    getExe = package: "${package}/bin/${package.meta.mainProgram or package.pname}";
  };
in
lib
