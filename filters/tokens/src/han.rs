//! Which Han characters are common: tokenizers know them and many words of them; of others they know pieces.
//!
//! By frequency in some million characters of today's simplified Chinese (github.com/ruanyf/weekly).

/// How common a Han character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// Of the 500 most frequent: three of four in usual text.
    First,
    /// Of the 1,800 most frequent.
    Second,
    /// Of the others: rare ones, and most that only traditional Chinese or Japanese has.
    Rest,
}

impl Rank {
    /// The rank of a code point.
    #[inline]
    pub(super) fn of(code: u32) -> Self {
        if FIRST.has(code) {
            Self::First
        } else if SECOND.has(code) {
            Self::Second
        } else {
            Self::Rest
        }
    }
}

/// A set of characters of the block of unified ideographs, one bit each.
struct Set([u64; WORDS]);

/// The block's first character, and the words that its characters up to U+9FFF take.
const BEGIN: u32 = 0x4E00;
const WORDS: usize = 0x5200 / 64;

impl Set {
    #[inline]
    fn has(&self, code: u32) -> bool {
        let n = code.wrapping_sub(BEGIN);
        let word = self.0.get(n as usize / 64).copied().unwrap_or_default();
        word >> (n % 64) & 1 == 1
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated by the compiler, which would refuse what is out of bounds"
    )]
    const fn of(characters: &str) -> Self {
        let bytes = characters.as_bytes();
        let mut words = [0; WORDS];
        let mut at = 0;
        while at < bytes.len() {
            // All of them have three bytes.
            let (a, b, c) = (bytes[at] as u32, bytes[at + 1] as u32, bytes[at + 2] as u32);
            let n = ((a & 0x0F) << 12 | (b & 0x3F) << 6 | (c & 0x3F)) - BEGIN;
            words[n as usize / 64] |= 1 << (n % 64);
            at += 3;
        }
        Self(words)
    }
}

static FIRST: Set = Set::of(
    "一万三上下不与专且世业东两个中为主么之乐也习书了事二于互五亚些交产享人亿什今介从他代令以们件价任优会\
     传但位低体何作你使例供保信候值做像元光克免入全公关其具内再写决准几出分刊创利别到制前力办功加务动助包\
     化区十升单印即历原去参及反发取受变口另只可台号司各合同名后向告员周命和品商器回因团国图在地场块型基增\
     处备复外多够大天太失头好如始子字存学它安完定实客家容密对导将小少尔就层展工己已市布师带常平年并广序库\
     应底度建开式引张强当录形影往很得微心必志快态怎性总息情想意感戏成我或户所手才打找技把投报招持指据接推\
     提搜摄播支收改放效教数整文料斯新方无日时明易星是显智更最月有服期未本术机杂条来板极构析果架查标样根格\
     案模次欢歌正此步每比气水求汽没法注活流测浏海消游源火点热然照片版物特率环现球理生用由电画界的目直相看\
     真着知码研确示社离种科程稿究空立站章端第等简算管篇米类系索约级线组细终绍经结给络统维编网置美老考者而\
     联能脑自至色节英获行表被装西要见观视览觉解言计认让议记讲许论设证识试话该语说请读课调谷费资起超越跟路\
     身车转软较达过迎运近还这进远适选通速造道那部都配里重量金长门问间阅队难集需非面音页项须频题风飞马验高",
);

static SECOND: Set = Set::of(
    "一丁七万三上下不与专且世业东丝丢两严丧个中丰串临丹为主丽举久么义之乌乎乏乐乔乘乙九也习书买乱乳了予争\
     事二于亏云互五井亚些亡交产享京亮亲人亿什仅今介仍从仓仔他付代令以仪们件价任份仿企伊伍伏休众优伙会伞伟\
     传伤伦伪伯估伴似但位低住佐体何余佛作你佣佩佳使例供依侧侵便促俄俗保信修倍倒候借倦债值倾假偏做停健偶偷\
     偿傅储像儿允元充先光克免入全八公六兰共关兴兵其具典养兼兽内册再冒写军农冠冬冰冲决况冷冻净准减凝几凡凯\
     出击函刀分切刊划列则刚创初删判利别到制刷券刺刻剂前剖剧剩剪副割力办功加务动助努励劳势勃勒勤包化北匙匹\
     区医十千升午半华协卓单卖南博占卡卢卫印危即却卵卷厂厅历厉压厌厕厘厚原厨去县参又叉及友双反发取受变叠口\
     古句另只叫可台史右叶号司叹吃各合吉同名后向吗否吧吨含听启吸吹呈告员呢周味呼命和咖咨品哈响哥哪哲售唯唱\
     商啊啡善喜喝喷嘴器噪囊四回因团园困围固国图圆圈土圣在地圳场圾址均坏坐坑块坚坛坝坠坡坦垂垃垄型埃埋城域\
     培基堂堆堡堪堵塑塔塞填境墓墙增墨壁壤士壮声壳处备复夏外多夜够大天太夫央失头夺奇奋奏奖套奥女奶她好如妙\
     妨妻姆始委姿威娱婚婴媒子孔字存孙季孤学孩宁它宅宇守安完宏宗官宙定宜宝实审客宣室宫害家容宽宾宿寄密富寒\
     寓察寸对寻导寿封射将小少尔尖尚尝尤就尺尼尽尾尿局层居届屋屏展属山岁岗岛岩岸峰崩嵌川州工左巧巨差己已巴\
     币市布师希帐帕帖帝带帧席帮常帽幅幕干平年并幸幻广庄庆床序库应底店府庞废度座庭康廉延建开异弃式引弗张弥\
     弯弱弹强归当录形彩影彻彼往征径待很律徒得循微德徽心必忆忍志忘忙忧快念忽怀态怎怕思急性怨怪总恐恒恢恩息\
     恰恶悉悟患您悬悲情惊惑惜惠惯想意感愿慢懂戏成我或战截戴户房所扇手才扎打扔托扣执扩扫扬扮扰批找承技把抓\
     投抖抗折抛抢护报披抱抵抽担拆拉拍拒拔拖招拜拟拥拦拨择括拷拼拿持挂指按挑挖挡挤挥挪振挺捉捐捕损换据捷授\
     掉掌排掘探接控推措描提插握搜搞搬搭携摄摆摇摘摩摸撑撞播擅操擎擦攀支收改攻放政故效敌敏救教敢散敦数整文\
     斑斗料斜斤断斯新方施旁旅旋族旗无既日旦旧早时昂昆明易星映春是显晋晚晨普景晰晶智暂暖暗暴曲更曼曾替最月\
     有朋服朗望朝期木未末本术朵机杀杂权杆杉李材村束条来杨杭杯杰松板极构析林枚果枪架某染柜查柱柴标栈栋栏树\
     校样核根格框案桌档桥桨桶梁梅梦梯械检棉棋棒森棵椅植楚楼概榜槽模横次欢欧欲款歌止正此步武死殊残殖段毁母\
     每毒比毕毛毫氏民气氛氢氧氮水永求汇汉汗江池污汰汽沃沉沙沟没河油治沿泄泊法泛泡波泥注泰泳泵洁洋洗洛洞津\
     洲活派流浅测济浏浓浙浪浮海涂消涉涌涡润涨涯液淘淡深混添清渐渡温港渲游湖湾湿溃源滑滚滞满滤滩滴漂漏演漠\
     漫潜潮澳激火灭灯灰灵灾炒炭炮炸点炼烂烈烟烦烧热焦然煤照熊熔熟燃爆爬爱父片版牌牙牛物特犀犯状狂狗独狱狼\
     猎猜猩猪猫献猴猿率玉王玛玩环现玻珍珠班球理琴瑞璃瓦瓶甘甚甜生用田由甲申电男画畅界留略疑疗疫疯疲疾病症\
     痛瘾癌登白百的皇皮盈益盐监盒盔盖盗盘盛盟目盲直相省看真眠眼着睛睡知短石矶矿码研砖破础硅硕硬确碍碎碑碰\
     碳磁磨示礼社祝神票禁福离秀私种科秒秘租积称移稀程稍税稳稻稿究穷空穿突窃窗立站竞竟章童端笑笔符第笼等筋\
     筑答策筹签简算管箭箱篇篮籍米类粉粒粘粮精糊糕糖糟系素索紧紫累繁红纤约级纪纬纯纳纷纸纹纽线练组细织终绍\
     经绑结绕绘给络绝统继绩绪续绳维综绿缆缓编缘缝缩缺罐网罗罚罩罪置署羊美群翰翻翼老考者而耐耗耳聊职联聘聚\
     聪肉肌股肢肤肥肯育肺胀背胎胖胚胜胞胡胶能脂脉脏脑脚脱脸腐腾腿膜膨臂自至致舍舒舞航般舰舱船艇艘良艰色艺\
     艾节芬芯花苏苗苦英苹范茨草荐荒荣药荷莓莫莱获菇菌菜菲萄营萨落著葡葬蒂蒙蒸蓄蓝薄薪藏蘑虎虑虚虫虽蚊蛇蛋\
     蜂蜜融螺血行街衡衣补表衰袋被袭裁裂装西要覆见观规视览觉角解触言警计订认讨让训议讯记讲许论设访证评识诉\
     词译试话诞询该详语误诱说请诺读课谁调谈谓谢谱谷豆象豪贝负贡财责败账货质贫贬购贴贵贷费资赏赔赖赚赛赞赠\
     赢走赶起超越趋趣足跃跌跑距跟跨路跳践踪身躺车轨转轮软轰轴轻载较辅辆辐辑输辛辞辨边达迁迅过迈迎运近返还\
     这进远违连迟迪迫迭述迷迹追退送适逃逆选逊透逐递途通速造逻逼遇遍道遗遥遭遮避邀那邦邮部都配酒酬酷酸醒采\
     释里重野量金鉴针钉钟钢钥钮钱钻铁铅铜银铺链销锁锂错键镇镜长门闪闭问闲间闻阅队阮防阳阴阵阶阻阿附际陆陈\
     陌降限院除陨险陷隆随隐隔障隧难雀雄雅集雇雕雨雪零雷雾需震霍露霸青静非靠面革鞋韩音页顶项顺须顾顿预领颈\
     频颗题颜额风飞食餐饭饮饰饱饲馆馈首香马驱驶驾验骑骗骤骨高魔鱼鲁鲜鲸鸟鸡鸣鸿鹰麦麻黄黎黑默鼓鼠齐齿龄龙",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        for (character, rank) in [
            ('的', Rank::First),
            ('夏', Rank::Second),
            ('腦', Rank::Rest),
            ('龘', Rank::Rest),
            ('一', Rank::First),
            ('\u{3400}', Rank::Rest),
            ('\u{F900}', Rank::Rest),
        ] {
            assert_eq!(Rank::of(character.into()), rank, "{character}");
        }
    }
}
