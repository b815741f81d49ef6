"""How people say what their company is and what has happened to it: the cues by which `claims` finds stages and events."""

# fmt: off
from __future__ import annotations

CERTIFICATE = r"(?:医疗)?(?:器械)?(?:产品)?的?(?:注册证书?|证(?![书明据券监照件]))"
HIGHER = "第?(?:iii|ii|i|[23一二三])类"
ABROAD = r"(?<![a-z])(?:fda|ema|pmda|mdr|ce(?: ?mark(?:ing)?)?|510\(?k\)?)(?![a-z])"
_BOARD = "(?:科创板|创业板|港股|港交所|北交所|新三板|a股|主板|纳斯达克|美股|上交所|深交所)"
BULK = "(?:国家)?(?:集采|国采|省采|带量采购|联盟采购)"
_FOREIGN = "(?:美元|美金|刀|usd|欧元|欧(?![洲盟美])|英镑|港币|港元|日元|外资|外方|注册外资|[港台日美]资|(?:境外|海外|外国|国外)(?:股东|投资[人方]|资金|资本|基金|母公司))"
_GOT = "(?:拿到?|取得|获得?|通过|过|有)(?:了|的|过)?"
_WHEN = r"(?:[大去今前本昨当上]+个?(?:[年月天日周晚]|礼拜|星期)|(?:19|20)?\d\d年度?|年?[初底末中]|\d{1,2}月份?|\d{1,2}[日号]|[一二三四五六七八九十]+月份?|[上下]半年|第?[一二三四]季度|早?就|已经?|刚刚?|也|都|全|终于|总算|正式|我们|\s)"
_DONE = rf"{_WHEN}*(?:批下来|批了|获批|批准|核准|过了|通过|拿到|拿下|拿的|批的|下的|到手|下来|下证|下了|拿了|领了|发了|有了|取得|获得|到了(?![哪什么几多])|(?:过|有)(?=$|[\s,。!])|(?<=[刚已])[批拿])"
_MINE = "(?:拿到了|拿下了?|拿了|到手了?|在手(?![术机])|下来了?|下了|下证|批了)"
_INVESTOR = r"(?:风投|创投|投资[人方]|投资机构|投资款|资本|基金|机构|(?<![a-z])(?:vc|pe)(?![a-z]))"
TITLE = "(?:国家级?|[^,。;!?\\s]{0,3}[省市区]级?|重点|的)*(?:专精特新|小巨人|单项冠军|独角兽|瞪羚|潜在独角兽|准独角兽|高企|高新技术企业|科技型中小企业|潜力地标|地标企业|雏鹰|领军企业)"
_WARDS = "(?:[三二]级|[三二]甲|公立|民营|专科|综合|中[医心]|人民|肿瘤|口腔|眼科|儿童|妇幼|骨科|康复|附属|大学|第[一二三四五]|[市区县省的])*"
_COMPANY = r"(?:^|(?<=[,。;!?\s是在正年也都们司业团]))"
_TOGETHER = "(?:联合|共同|一起|一块儿?|一道|联手|合作)"
_CLAUSE = r"[^,。;!?]"
_WORDS = r"[^,.;!?]"

CUES: tuple[tuple[str, str, str, list[str]], ...] = (
    ("stage", "not_registered", "公司 企业", [
        r"(?:准备|打算|想|计划|要)(?:在[^,。]{1,6}?)?(?:注册|成立|设立|新设|开)(?:一?[个家])?新?(?:公司|企业)",
    ]),
    ("stage", "not_registered", "还没 没 未", [
        r"(?:公司|企业|主体|执照)(?:还|都|也)?(?:没|未|尚未)有?(?:注册|成立|设立|办)",
        r"(?:还没|没有|尚未)(?:成立|设立|注册)(?:公司|企业|主体)",
        r"没有?(?:公司)?(?:主体|执照)",
        r"执照(?:还|都|也)?没",
        r"(?:公司|企业)(?:还|都)?在?筹[备建]",
    ]),
    ("stage", "startup", "刚 初创 创业", [
        r"刚刚?(?:起步|创业|创办)",
        r"(?:公司|企业)刚刚?(?:注册|成立)",
        r"初创(?=才|[,\s]|期|团队|公司)",
        r"创业(?:团队|初期)",
    ]),
    ("stage", "pre_ipo", "ipo 上市 板 股", [
        rf"{_COMPANY}(?:拟|准备|计划|打算|筹备|冲刺?|在?申?报|想)[去在]?上?{_BOARD}?(?:ipo|上市(?!许可|后(?!备)|产品|[的一]?.?药)|(?<=板)|(?<=股))",
        rf"(?:拟|准备|计划|打算|筹备|冲刺|申报)[去在上]?{_BOARD}(?:ipo|上市)?",
        r"(?:拟|准备|计划|打算|筹备|冲刺|申报)[去在上]?ipo",
        r"ipo(?:前)?(?:辅导|申报|备案)",
        r"上市辅导",
        r"股改",
    ]),
    ("stage", "listed", "上市 板 股", [
        rf"(?:公司|企业|集团|我们|{_BOARD})(?:已经?|早就|刚|[去今前]年)*(?:在{_BOARD})?上市(?:了(?![一两几\d新个款])|公司|企业)",
        rf"我们是?{_BOARD}(?:上市|企业|公司|挂牌)",
        rf"{_BOARD}(?:[\da-z]{{1,3}})?(?:已经?|早就|[去今前]年|\s)*(?:挂牌|上市)(?:企业|公司|了|的)",
    ]),
    ("stage", "hospital", "医 院", [
        rf"我们?[就也]?(?:是[^,。进给到向和跟与卖供做为在]{{0,4}}?)?{_WARDS}医(?:院|疗机构)(?!的?供|客户|渠道|订单|市场|准入|销售|合作)",
    ]),
    ("stage", "hospital", "院", [
        r"(?:^|(?<=[,。;!?\s]))(?:我们?|本|贵)院(?!校|士|线|外|感)",
        r"我们?(?:是)?(?:医院|院)[方里这]",
        r"(?:^|(?<=[,。;!?\s]))医院(?:这边|方面)",
        r"我们?(?:这边|这里)?(?:就?是)?(?:一?家|个)?[三二](?:级|[甲乙])(?:专科|综合|公立|民营)?(?=$|[\s,。;!?医])",
        r"(?:作为|我们是)[^,。]{0,6}(?:医院|卫生院|医疗机构)(?!的?(?:供|客户|渠道|订单|设备|耗材|合作|经销|代理|服务商))",
    ]),
    ("event", "overseas_approval", "fda ema pmda mdr ce 510", [
        rf"{ABROAD}\s?(?:的?(?:认证|证书?|注册|许可|批文)|的)?(?:也|都)?\s?{_DONE}",
        rf"(?:{_GOT}|刚|下来的?|批了?的?|持有?)(?:美国|欧盟|日本)?的?\s?{ABROAD}(?:认证|证书?|注册|批文)?",
        rf"{ABROAD}\s?认证(?=$|[\s,。])",
    ]),
    ("event", "new_drug_approval", "药 品", [
        r"药证",
        r"药品?注册证书?",
        r"(?:新药|药品?|(?<=药))上?市?(?:已经?|刚|也)?(?:获批|批准|批了)(?:上市)?了?(?!临床)",
        rf"{_GOT}[新药品]+(?:注册)?批[件文]",
        r"(?:批了|批准了?|获批了?)[^,。;!?没未]{0,10}药(?:品|物)?的?上市",
        r"(?:上市申请|上市许可|nda)(?:刚|已经?|也)?(?:获批|批了|批准|过了|通过)",
    ]),
    ("event", "new_device_certificate", "证", [
        rf"(?:(?<!首次)|(?=[拿取获领][到得]了))(?:拿|取得|获得|领|获|发)(?:到|下来|下|了|过|的)*(?:[一两三俩几\d]?[张个本]?)(?:的|新)?(?:{HIGHER}(?:医疗)?(?:器械)?)?{CERTIFICATE}",
    ]),
    ("event", "new_device_certificate", "证 类", [
        rf"(?:{HIGHER}|器械|产品|(?<![上作认许可保考验签居学营生药份业房产户驾])(?<!药品)(?<!新药)){CERTIFICATE}(?:\(i{{1,3}}\))?(?:[一两三俩几\d]?[张个本])?,?{_DONE}了?",
        rf"{HIGHER}的?{_WHEN}*{_MINE}(?![吗没要需])",
        rf"(?:手[里上头]|到手)有?(?:[俩两一三四五几\d]?[张个本]?){HIGHER}(?=$|[\s,。;!?了的和])",
    ]),
    ("event", "new_device_certificate", "证", [
        rf"(?:已有|有了|手[里上头]有|(?<!没)(?<![只必就才])有)(?:[一两三俩几\d][张个本]|了)?{HIGHER}(?:医疗)?(?:器械)?{CERTIFICATE}(?!{_CLAUSE}{{0,4}}[吗才能])",
        rf"到手的?{_CLAUSE}{{0,10}}{HIGHER}{CERTIFICATE}",
    ]),
    ("event", "new_device_certificate", "拿证 下证 器械", [
        rf"(?:通过|拿到|取得|获得|完成)了?(?:国家|药监局?|的)*(?:{HIGHER})?(?:医疗)?器械(?:产品)?注册(?!证|申请|受理|检|人|资料)",
        rf"(?:{HIGHER})?器械{_WHEN}*(?:获批|拿证|下证)(?!临床)",
        rf"(?:产品|(?<=[刚已])|终于){_WHEN}*(?:拿证|下证)了?",
    ]),
    ("event", "innovative_device_green_channel", "绿色通道 创新通道 特别审 创新审查 创新医疗器械", [
        r"(?:进入?了?|过了?|通过了?|入选了?|拿到了?|获批了?|已经?)(?:的|国家|省|药监局?|局)*(?:创新医疗器械|创新器械|创新)?(?:特别)?(?:审查|审批)?(?:程序)?的?(?:绿色通道|创新通道|特别审[查批]|创新审查)(?:程序)?",
        rf"(?:绿色通道|创新通道|特别审[查批](?:程序)?)(?:{_DONE}了?|进去了|进了)",
    ]),
    ("event", "centralized_procurement_win", "采", [
        rf"{BULK}(?:{_WHEN}|第?[^,。]{{1,2}}批)*(?:中[了标选]|入围|入选|进了|进去)",
        rf"(?:中[了标选]+|进了?|入围|入选)(?:第[^,。]{{1,2}}批)?的?{BULK}",
    ]),
    ("event", "consistency_evaluation_pass", "一致性 过评", [
        rf"一致性(?:评价)?{_WHEN}*(?:过了?|通过|完成)",
        r"(?:通过|过)了?[^,。;!?]{0,4}一致性(?:评价)?",
        r"(?<!通)过评(?![估审价定级])",
    ]),
    ("event", "ind_approved", "临床 ind", [
        rf"{_GOT}(?:的|药物|新药)?(?:临床(?:试验)?(?:默示)?(?:批[件文]|许可)|ind(?![a-z]))",
        rf"临床(?:试验)?(?:批[件文]|(?:默示)?许可)(?:也|都)*(?:{_DONE})?",
        rf"(?<![a-z-])ind(?![a-z])(?:申请|许可|批件)?\s?{_DONE}了?",
    ]),
    ("event", "ind_approved", "临床", [
        r"获批(?:开展|进入|做)?临床",
        r"临床(?:已经?)?(?:获批|批了)",
        r"在做[^,。没]{0,4}临床",
    ]),
    ("event", "first_set_recognition", "首台 首批次 首版次 三首", [
        rf"(?:首台\(?套\)?|首台套|首批次|首版次|三首)(?:新?产品|装备|新?材料)?(?:的?认定)?(?:书|证书)?{_WHEN}*(?:{_DONE}|评上|中|认定[了的])了?",
        r"(?:拿到?了?|获得?了?|评上了?|入选了?|通过了?|认定为?了?|(?:[列纳]入?|进)[了进]+|是|有)(?:的|[省市国家级])*(?:首台\(?套\)?|首台套|首批次|首版次|三首)(?:认定)?",
    ]),
    ("event", "pct_filing", "pct 国际专利", [
        rf"(?:pct|国际专利)(?:专利|国际)?(?:申请)?(?:{_WHEN}|[一两三四五六七八九十几\d]{{1,3}}[件个项])+(?:递|交|提|报|申请|进入?|公开|受理|有)了?",
        r"(?:pct|国际专利)(?:专利|国际)?(?:申请)?(?:递交?|提交?|交|报|申请|公开|受理|进|有)了",
        r"(?:pct|国际专利)(?:专利)?(?:申请)?[一两三四五六七八九十几\d]{1,3}[件个项]",
        rf"(?:递|交|提|报|申请|申报)[了过交的完]*{_CLAUSE}{{0,5}}(?:pct|国际专利)(?:申请)?",
        rf"有{_CLAUSE}{{0,4}}pct",
    ]),
    ("event", "patent_award", "专利", [
        r"(?:专利)(?:拿了?|获得?了?|得了?|评上了?|刚|拿到了?)+(?:中国|国家|的)*(?:专利)?(?:金奖|银奖|优秀奖|奖)",
        r"(?:中国|国家)专利(?:金奖|银奖|优秀奖|奖)",
        rf"(?:拿|得|获|中)(?:到|了|得)*{_CLAUSE}{{0,4}}专利(?:金|银|优秀)?奖",
        rf"专利(?:金|银|优秀)?奖,?\s?(?:{_DONE}|{_WHEN}*(?:评|得|获)[的了])",
    ]),
    ("event", "title_award", "上 评 选 定 获 得 拿 成 过 批 下 到 名单", [
        rf"(?:[评选]上|获评|评为|评[了的]|入选|认定(?:为|成|了|上|的)?|成为|被评|获得?|拿到?|拿下|入库)(?:了|成|过)*(?:[^,。;!?\s]{{0,2}})?{TITLE}",
        rf"{TITLE}(?:中小)?(?:企业)?(?:称号|认定|培育库?)?{_WHEN}*(?:评上|评的|认定[了的]|认定下来|{_DONE}|入库|入选的?)了?",
        rf"{TITLE}{_CLAUSE}{{0,6}}(?:名单|榜单?|库|公布|公示)[里上中]?面?(?:都|也)?有我们?",
        rf"(?:[进列]入?了|[列纳]入)了?{_CLAUSE}{{0,4}}{TITLE}{_CLAUSE}{{0,4}}(?:名单|榜|库)",
    ]),
    ("event", "foreign_capital_received", "到 进来 入 汇", [
        rf"{_FOREIGN}[^,。没未]{{0,14}}?(?:到账|到位|到了|已到|进来|打进来|打过来|打款了?|入账|汇进来|汇到)",
        rf"(?:到账|到位|收到)了?[^,。没未]{{0,12}}?{_FOREIGN}",
    ]),
    ("event", "private_funding", "融 轮 投 天使", [
        r"(?:融到?了|融完了?|融到|刚融|拿到?了?|完成了?|关了|close了?|收到了?|获得?了?)[^,。;!?没未]{0,14}(?:融资|天使轮?|[a-e]\+?轮|种子轮|pre-?[ab]轮?|投资款|vc|私募投资|风投|创投)(?!贷)",
    ]),
    ("event", "private_funding", "融 轮 投 资 创 vc pe", [
        r"(?:天使轮?|[a-e]\+?轮|种子轮|融资|投资款)[^,。;!?没未还]{0,12}(?:完成了?|到账|关了|close|融完|拿到|拿了|融了|到位|交割|打款了|进来|签了|搞定)",
        r"(?<![在要能])融了",
        r"(?:被|有|获)[^,。;!?]{1,6}(?:资本|创投|基金|红杉|高瓴)(?:投了|领投了)",
        rf"{_INVESTOR}(?:的?钱)?[^,。;!?没未想要]{{0,3}}(?:投了|领投了|打了(?![个电招一])|进来|打进来|打过来|打款了|到账|到位|投进来|进账|到了(?![哪什么几]))",
    ]),
    ("event", "joint_rd", "攻关 研发 开发", [
        r"联合攻关(?:项目)?(?:还没|尚未|未|没)有?(?:被|通过)?认定",
        rf"(?:在[做搞]?|正在?|[和跟与同]{_CLAUSE}{{1,12}}?|一起|搞|开展了?|有个?|我们的?)联合攻关(?!(?:项目)?(?:怎么|如何|走什么|有什么|要什么|条件|咋|啥))",
        rf"(?:[和跟与同]{_CLAUSE}{{1,12}}?){_TOGETHER}(?:研发|开发)(?:着|了(?!解)|呢|中(?!心)|[^,。;!?]{{0,4}}项目?[^,。;!?]{{0,3}}(?:在做|进行))",
        rf"(?:正在|已经在|在)(?:[和跟与同][^,。;!?]{{1,12}}?){_TOGETHER}(?:研发|开发)(?!中心|区|者|平台)",
        r"联合攻关(?:项目)?(?:总共|一共|已经?|前期)*(?:进行中|中(?!心)|着|做了|投|花|总?投资)",
        rf"(?:[和跟与同]{_CLAUSE}{{1,10}}?)(?:(?:一起|共同)攻关|(?:一块儿?|一道|联手|合作)攻关(?=[^,。;!?怎如何]{{0,8}}[呢着中了]))(?!(?:项目)?(?:怎么|如何|走什么|有什么|要什么|条件|咋|啥))",
    ]),
    ("event", "joint_rd_recognised", "攻关", [
        r"联合攻关[^没未准申报待]{0,8}?(?:认定(?!条件|要|标准|怎|吗)|立项了?)",
        rf"(?:认定|立项)了?{_CLAUSE}{{0,3}}联合攻关",
    ]),
    ("event", "clinical_site_qualified", "gcp 临床试验机构", [
        rf"(?:gcp|(?:药物|器械)?临床试验机构)(?:专业|机构|资质|的)*(?:备案|认定|资格|资质)?(?:也|都|已经?|刚刚?)*(?:{_DONE}|备案了|完成|有了)了?",
        rf"(?:通过|拿到|取得|获得|完成|做完|备上|有)了?{_CLAUSE}{{0,4}}(?:gcp|(?:药物)?临床试验机构)(?:机构|专业|资质|备案|资格)*",
    ]),
    ("event", "joint_clinical_trial", "联合 协同 牵头 一起 合作 共同", [
        rf"(?<!能)(?:[和跟与同]{_CLAUSE}{{1,10}}?)?(?:(?:联合|协同|一起)(?:开展|做|搞|承担|进行)了?|(?:合作|共同)(?:开展|做|搞|承担|进行)(?:了|着|(?=临床试验中)))(?:的|了|一[个项])*(?:i+期|[一二三]期|多中心)?(?:药物|器械)?的?临床(?!前)(?:试验|研究)?",
    ]),
    # --- in English
    ("stage", "not_registered", "regist incorporat set", [
        rf"(?:\bnot|n'?t|\byet to)(?: yet| been)* (?:be(?:en)? )?(?:registered|incorporated|set ?up)\b(?!{_WORDS}{{0,12}}\b(?:trade|product|device|patent))",
        r"\bunincorporated\b",
        r"\bbefore (?:incorporat|register)ing\b",
        r"\bno (?:legal )?(?:company|entity) yet\b",
    ]),
    ("stage", "startup", "start early", [
        r"\bstart-?ups?\b",
        r"\bearly[- ]stage (?:company|team|biotech|medtech)",
        r"\bjust (?:started|founded|set) (?:up|out|the company|our company|a company)",
    ]),
    ("stage", "tech_sme", "sme", [
        r"\btech(?:nology)?(?:[- ]based)? sme\b",
    ]),
    ("stage", "hnte", "hnte high", [
        r"\bhnte\b",
        r"\bhigh(?:-| and new[- ])?tech(?:nology)? (?:enterprise|company|certified)",
    ]),
    ("stage", "gazelle", "gazelle", [
        r"\bgazelles?\b",
    ]),
    ("stage", "unicorn_cultivation", "corn", [
        r"\b(?:potential|future|prospective|near|cultivated) unicorns?",
        r"\bunicorn (?:cultivation|candidate|in cultivation|pipeline)",
        r"\bsoonicorn",
    ]),
    ("stage", "unicorn", "unicorn", [
        r"(?<![a-z])unicorns?(?![a-z])",
    ]),
    ("stage", "specialised_sme", "giant speciali srdi", [
        r"\blittle giants?\b",
        r"\bspeciali[sz]ed (?:and \w+ )?sme",
        r"\bsrdi\b",
    ]),
    ("stage", "pre_ipo", "ipo public list", [
        r"\bpre-?ipo\b",
        r"\b(?:prepar\w+|plan\w*|ready|heading|filing)(?: for| to| an| our| the)* (?:ipo|list(?:ing)?|go public)\b",
        r"\bgoing public\b",
        r"\bipo (?:tutoring|candidate|filing|this|next)",
    ]),
    ("stage", "listed", "listed public star", [
        r"\b(?<!not )(?<!get )(?<!be )(?:publicly )?listed (?:company|firm|on|in|group|biotech|medtech)",
        r"\b(?:we(?:'?re| are)|company is|already) (?:already )?(?:publicly )?listed\b",
        r"\bpublic(?:ly traded)? company",
    ]),
    ("stage", "hospital", "hospital", [
        r"\bhospital side\b",
        r"\b(?:we(?:'?re| are)|i'?m (?:from|with|at)) (?:a |an |the )?(?:(?!not |never |in |near )[a-z0-9-]+ ){0,3}hospital\b",
        r"\bour hospital\b",
        r"\bas a (?:[a-z0-9-]+ ){0,2}hospital",
    ]),
    ("event", "overseas_approval", "fda ema pmda ce 510", [
        rf"{ABROAD} (?:(?:has|have|just|was|is|already|finally|de novo) )*(?:approved|cleared|granted|certified|obtained|received)",
        rf"\b(?:got|gained|obtained|received|have|has|had|won|secured|hold|holds)(?: an?| our| the| us| full)* {ABROAD}(?: approval| clearance| certificat\w+)?",
        rf"\b(?:approved|cleared|certified) by (?:the )?(?:us )?{ABROAD}",
    ]),
    ("event", "new_drug_approval", "nda bla drug nmpa", [
        rf"\b(?:nda|bla)\b{_WORDS}{{0,12}}\b(?:approved|granted)",
        rf"\b(?:drug|molecule|medicine|antibody|tablet|injection){_WORDS}{{0,14}}\b(?:approved|got approval|approval granted)",
        r"\bnmpa approved (?:our|the|my)(?: \w+)? (?:drug|nda|bla|antibody|tablet|injection)",
        r"\b(?:got|received|have) (?:our |the |an )?(?:nda|bla|drug approval)",
    ]),
    ("event", "new_device_certificate", "cert regist nmpa", [
        rf"\b(?:got|obtained|received|have|has|had|won|holds?|holding|secured|granted|with){_WORDS}{{0,30}}?\b(?:certs?|certificates?|registrations?)\b(?! (?:of|for) (?:incorp|origin))",
        r"\b(?:device |registration |product |class [i123]+ )(?:cert|certificate|registration)s?(?: was| is| were| has been| just| finally| already)* (?:granted|approved|issued|obtained|in hand|came|out|received)",
        r"\bnmpa (?:approved|cleared|certified|registered)(?! (?:our|the|my)(?: \w+)? (?:drug|nda|bla|antibody|tablet))",
    ]),
    ("event", "innovative_device_green_channel", "channel special innovative", [
        rf"\b(?:in|into|entered|through|got|joined|admitted to|accepted (?:in)?to|granted)\b{_WORDS}{{0,24}}\b(?:green channel|green path|special (?:review|examination|approval)|innovative[- ]device (?:track|procedure|review|channel))",
    ]),
    ("event", "ind_approved", "ind", [
        r"(?<![a-z-])ind(?![a-z])(?: application)?(?: was| is| has been| just| got| already| finally)* (?:approved|cleared|granted|accepted|through)",
        r"\b(?:got|received|obtained|have|has|secured)(?: an?| our| the)* ind\b(?: approval| clearance)?",
        r"\bclear(?:ed|ance) (?:for|to start) (?:clinical )?trials?",
    ]),
    ("event", "consistency_evaluation_pass", "consistency bioequivalence", [
        rf"\b(?:passed|cleared|completed|through|got){_WORDS}{{0,24}}\b(?:consistency evaluation|consistency)",
        r"\bconsistency evaluation(?: was| is| has been| already| just)* (?:passed|done|completed|cleared)",
    ]),
    ("event", "centralized_procurement_win", "vbp procurement volume", [
        rf"\b(?:won|win|winning|selected|awarded|got|made it|in){_WORDS}{{0,24}}\b(?:vbp|volume[- ]based|centrali[sz]ed procurement|national procurement)(?: tender| bid)?",
        r"\bvbp (?:win|winner|won|selected|awarded|tender won)",
    ]),
    ("event", "pct_filing", "pct", [
        r"\bpcts?\b(?: application| patent)?s?(?: was| were| is| has been| have been| just| already)* (?:filed|submitted|lodged|in)\b",
        rf"\b(?:filed|submitted|lodged|have|has|hold){_WORDS}{{0,20}}\bpcts?\b(?: application)?s?",
    ]),
    ("event", "patent_award", "patent", [
        r"\b(?:china |national |chinese )?patent (?:gold|silver|excellence)(?: award| prize)?",
        r"\b(?:won|got|received)[^,.;!?]{0,20}\bpatent (?:award|prize)",
    ]),
    ("event", "first_set_recognition", "first", [
        rf"\b(?:got|received|recogni[sz]ed|certified|awarded|won)\b{_WORDS}{{0,20}}\bfirst[- ](?:set|batch|of-its-kind)\b",
        r"\bfirst[- ]set (?:recognition|title|status)(?: was| is| just)* (?:granted|approved|received|got)",
    ]),
    ("event", "title_award", "giant unicorn gazelle champion tech", [
        rf"\b(?:awarded|named|won|got|recogni[sz]ed as|received|became|selected as|made|certified as|obtained|earned)\b{_WORDS}{{0,25}}?\b(?:little giant|unicorn|gazelle|champion|high-?tech enterprise|hnte)(?: title| status| list)?",
    ]),
    ("event", "foreign_capital_received", "foreign overseas usd dollar", [
        rf"\bforeign (?:capital|investment|funds?|money|equity){_WORDS}{{0,20}}\b(?:arrived|received|landed|wired|paid|in the bank|came)",
        rf"\b(?:received|got|wired|landed){_WORDS}{{0,30}}\bforeign (?:capital|investment|funds?|money|equity)",
    ]),
    ("event", "private_funding", "round seed angel series vc ventur fund", [
        rf"\b(?:closed|raised|secured|completed|got|finished|received|landed|took){_WORDS}{{0,28}}\b(?:round|seed|angel|series [a-e]|vc|venture|funding|pre-a|private equity)\b",
        r"\b(?:round|series [a-e]|seed)\b(?: is| was| has| just| already)* (?:closed|completed|done|in the bank)",
    ]),
    ("event", "joint_rd_recognised", "joint", [
        rf"\bjoint(?:ly)? (?:r&d|research|development|rd){_WORDS}{{0,16}}\b(?:recogni[sz]ed|approved by the city|certified)",
    ]),
    ("event", "joint_rd", "joint", [
        r"\b(?:doing|running|have|has|in|started|our|on) (?:an? )?joint (?:r&d|research|development|rd)\b",
    ]),
    ("event", "clinical_site_qualified", "gcp site", [
        rf"\b(?:gcp|(?:clinical[- ])?trial site){_WORDS}{{0,16}}\b(?:qualified|registered|certified|accredited|approved|granted|passed)",
        rf"\b(?:passed|got|obtained|received|have){_WORDS}{{0,12}}\bgcp\b",
    ]),
    ("event", "joint_clinical_trial", "joint", [
        r"\bjoint(?:ly)? (?:clinical )?(?:trials?|stud(?:y|ies))",
        r"\bjointly run(?:ning)? [^,.;!?]{0,16}trials?",
    ]),
)
"""Kind, token, needles (one of which must stand in the message for the cue to be tried), patterns."""
